"""Statements that the parser returns as text: EXPLAIN, PREPARE, EXECUTE, search paths, RENAME TABLE, UNLOAD, DO ...

Each is a pattern and a rule. A rule gives the text to go on with, or has done all there is to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from headwater.sql import command_files as files
from headwater.sql import command_session as session
from headwater.sql import command_tables as tables

if TYPE_CHECKING:
    from headwater.sql.context import Context

Rule = Callable[["Context", re.Match[str]], list[str] | None]

_NAME = r"(?:\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[\w$#]+)"
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_STRING = r"(?:'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
_PATH = r"(?:'[^']*'|\"[^\"]*\")"
_COLUMNS = r"(?:\([^()]*\))?"

_PATTERNS: list[tuple[str, Rule]] = [
    (
        r"explain\s*(?:\((?P<options>[^()]*)\))?\s*"
        r"(?P<flags>(?:(?:analy[sz]e|verbose|extended|plan\s+for|query\s+plan)\b\s*)*)(?P<rest>.*)",
        session.explain,
    ),
    (rf"prepare\s+(?P<name>{_NAME})\s+from\s+(?P<text>{_STRING})", session.prepare_string),
    (
        rf"prepare\s+(?P<name>{_NAME})\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*(?:as|from)\s+(?P<rest>.*)",
        session.prepare,
    ),
    (
        rf"exec(?:ute)?\s+sp_rename\s+(?:@\w+\s*=\s*)?(?P<old>{_STRING})\s*,\s*(?:@\w+\s*=\s*)?(?P<new>{_PATH})"
        r"(?P<column>\s*,.*)?",
        tables.sp_rename,
    ),
    (rf"exec(?:ute)?\s+(?P<whole>(?P<name>{_NAME})(?:\s*\.\s*{_NAME})*)(?P<rest>.*)", session.execute),
    (rf"(?:deallocate(?:\s+prepare)?|drop\s+prepare)\s+(?P<name>{_NAME})", session.deallocate),
    (
        r"set\s+(?:session\s+|local\s+)?(?:search_path|schema|current_schema)\s*(?:=|\bto\b)?\s*(?P<path>[^=].*)",
        session.search_path,
    ),
    (r"reset\s+(?:search_path|all)\b", session.reset_path),
    (
        r"use\s+(?:(?P<what>role|warehouse|secondary|database|catalog|schema|namespace)\s+)?"
        rf"(?P<name>{_DOTTED})\s*$",
        session.use,
    ),
    (r"rename\s+tables?\s+(?P<pairs>.*)", tables.rename_table),
    (
        r"alter\s+(?:table|view|materialized\s+view)\s+(?:if\s+exists\s+)?"
        rf"(?P<name>{_DOTTED})\s+set\s+schema\s+(?P<schema>{_NAME})",
        tables.set_schema,
    ),
    (rf"alter\s+table\s+(?P<name>{_DOTTED})\s+append\s+from\s+(?P<source>{_DOTTED})", tables.append),
    (
        r"refresh\s+(?:materialized\s+view|dynamic\s+table|table)?\s*(?:concurrently\s+)?" rf"(?P<name>{_DOTTED})",
        tables.refresh,
    ),
    (
        rf"insert\s+into\s+(?P<name>{_DOTTED})\s*{_COLUMNS}\s*exec(?:ute)?\s+(?P<routine>{_DOTTED})",
        tables.insert_from_routine,
    ),
    (
        rf"(?P<head>insert\s+into\s+{_DOTTED}\s*{_COLUMNS})\s*overriding\s+(?:system|user)\s+value\b(?P<rest>.*)",
        tables.without,
    ),
    (
        rf"insert\s+overwrite\s+(?:local\s+)?directory\s+(?P<path>{_PATH}).*?"
        r"(?P<query>\b(?:select|with|table)\b.*)",
        files.directory,
    ),
    (r"(?P<head>select\b.*)\binto\s+@\w+(?:\s*,\s*@\w+)*(?P<rest>\s*)$", tables.without),
    (r"(?P<head>select\b.*?)\binto\s+(?:out|dump)file\s+(?P<path>'[^']*')(?P<rest>.*)", files.outfile),
    (rf"unload\s*\(\s*(?P<query>{_STRING})\s*\)\s*to\s+(?P<path>'[^']*')", files.unload),
    (
        rf"load\s+data\b.*?\b(?:infile|inpath)\s+(?P<path>{_PATH})\s+.*?\binto\s+table\s+(?P<name>{_DOTTED})(?P<rest>.*)",
        files.load_data,
    ),
    (r"(?P<word>(?:export|import)\s+database|copy\s+from\s+database)\b", files.whole_database),
    (r"replace\s+into\s+(?P<rest>.*)", tables.replace_into),
    (rf"table\s+(?P<rest>{_DOTTED}\s*(?:(?:order|limit|offset|fetch)\b.*)?)$", tables.table_statement),
    (rf"do\s+(?:language\s+\w+\s+)?(?P<body>{_STRING})", session.do),
    (rf"call\s+(?P<name>{_DOTTED})", session.call),
    (
        r"create\b(?:(?!\btable\b|\bview\b)[\w\s@`'.%=])*?\b(?P<what>trigger|procedure|function|proc)\s+"
        rf"(?:if\s+not\s+exists\s+)?(?P<name>{_DOTTED})(?:(?!\$\w*\$).)*?"
        r"(?:\bbegin\b|\bas\s+(?=(?:insert|update|delete|merge|with|truncate)\b))(?P<body>.*)",
        session.create_routine,
    ),
    (rf"(?P<verb>savepoint)\s+(?P<savepoint>{_NAME})", session.transaction),
    (
        r"(?P<verb>begin|start\s+transaction|commit|rollback|release|abort|end)\b"
        rf"(?:\s+(?:work|tran(?:saction)?))?(?:\s+to(?:\s+savepoint)?\s+(?P<savepoint>{_NAME}))?"
        r"(?!.*\b(?:select|insert|update|delete)\b)",
        session.transaction,
    ),
    (
        r"(?P<word>vacuum|analyze|grant|revoke|checkpoint|listen|notify|show|discard|lock|cluster|reindex|set|pragma|install|"
        r"load|kill|optimize)\b",
        session.nothing,
    ),
]
_FIRST_WORD = re.compile(r"\s*([a-z]+)", re.I)
_RULES = [(re.compile(pattern, re.I | re.S), rule) for pattern, rule in _PATTERNS]
# Words that statements begin with which no rule is about: most of them.
_PLAIN = frozenset({"with", "update", "delete", "merge", "from", "values", "truncate", "describe", "attach"})


def rewritten(ctx: Context, code: str) -> list[str] | None:
    """Give what to analyse instead of ``code``, or ``None`` when the parser takes it as it is."""
    first = _FIRST_WORD.match(code)
    if first is None or first[1].lower() in _PLAIN:
        return None
    code = code.lstrip()
    for pattern, rule in _RULES:
        found = pattern.match(code)
        if found is not None:
            return rule(ctx, found)
    return None
