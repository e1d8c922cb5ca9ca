"""``query`` and ``eval``: expressions in strings, over columns by name.

pandas finds ``@local`` names a given number of frames up, so each wrapper increases its argument ``level``.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable
from typing import Any, Final

import pandas as pd

from headwater.capture.hooks import After, Hooks, observe
from headwater.capture.integrations.pandas.labels import columns_of
from headwater.capture.integrations.pandas.recording import argument, bind
from headwater.capture.integrations.pandas.rules import IDENTITY, By, by_name, level, levels
from headwater.capture.recorder import Recorder
from headwater.capture.source_analysis.parser import parsed, unobjectionable
from headwater.capture.values import Columns, Dep, Rule, Value
from headwater.capture.wrapper_frames import unseen
from headwater.model.patterns import lazy_pattern

_QUOTED: Final = lazy_pattern(r"`([^`]*)`")


def install(hooks: Hooks) -> None:
    """Hook the two methods and ``pandas.eval``."""
    hooks.replace(pd.DataFrame, "query", lambda original: _one_deeper(original, _queried))
    hooks.replace(pd.DataFrame, "eval", lambda original: _one_deeper(original, _evaluated))
    hooks.replace(pd, "eval", lambda original: _one_deeper(original, _evaluated_freely))


def _one_deeper(original: Callable[..., Any], handler: After) -> Callable[..., Any]:
    observed = unseen(observe(original, handler, f"pandas.{original.__qualname__}"))

    @functools.wraps(original)
    def deeper(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 7:  # beyond that, pandas.eval was given its level by position
            kwargs["level"] = kwargs.get("level", 0) + 2
        return observed(*args, **kwargs)

    return unseen(deeper)


def _queried(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, expression = args[0], argument(args, kwargs, 1, "expr")
    bind(recorder, owner if result is None else result, "query", (owner,), _query(expression))


def _query(expression: str) -> Rule:
    def rule(value: Value) -> Columns:
        names = _names(expression, columns_of(value.inputs[0]))
        return by_name(IDENTITY, (By("FILTER", 0, names),))(value)

    return rule


def _evaluated(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, expression = args[0], argument(args, kwargs, 1, "expr")
    bind(recorder, owner if result is None else result, "eval", (owner,), _evaluation(expression))


def _evaluated_freely(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    target = kwargs.get("target")
    if target is not None:
        bind(recorder, target if result is None else result, "eval", (target,), _evaluation(args[0]))


def _evaluation(expression: str) -> Rule:
    def rule(value: Value) -> Columns:
        source = columns_of(value.inputs[0])
        fields: dict[str, list[Dep]] = {
            name: [Dep(0, name, subtype=IDENTITY)] if name in source else level(value, 0, name)
            for name in columns_of(value)
        }
        made: dict[str, list[Dep]] = {}
        for line in filter(None, map(str.strip, expression.splitlines())):
            target, right = _assignment(line)
            deps: list[Dep] = []
            for name in _names(right, (*source, *made)):
                deps += made.get(name) or [Dep(0, name)]
            deps = [dep._replace(subtype="TRANSFORMATION") for dep in deps]
            if target is None:
                fields = dict.fromkeys(columns_of(value), deps)
            else:
                made[target] = fields[target] = deps
        return Columns(fields | levels(value))

    return rule


def _assignment(line: str) -> tuple[str | None, str]:
    found = re.match(r"\s*(`[^`]*`|\w+)\s*=(?!=)\s*(.*)", line, re.DOTALL)
    return (found[1].strip("`"), found[2]) if found else (None, line)


def _names(expression: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that an expression names; all of them if it cannot be parsed."""
    quoted = _QUOTED.findall(expression)
    plain = _QUOTED.sub("_quoted_", expression).replace("@", "_local_").strip().replace("\n", " ")
    try:
        tree = parsed(unobjectionable(plain), mode="eval")
    except SyntaxError:
        return known
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | set(quoted)
    return tuple(name for name in known if name in named)
