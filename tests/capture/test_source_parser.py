"""Source is parsed a second time without a warning, and to the same tree."""

from __future__ import annotations

import ast
import gc
import sys
import threading
import warnings
from pathlib import Path

import pytest

from headwater.capture.source_analysis import parser
from headwater.capture.source_analysis.parser import lines_of, may_warn, syntax_tree

DOUBTFUL = [
    r"""x = "\d" '\w' "\400\777\40\8" u"\c" "\N{DIGIT ONE}\u0041"; y = b"\q\N\u" b"\777" """,
    r"""x = f"{{ \d {a!r:\>10} \N{DIGIT ONE}\{a}" f"\}}" f"\\{a}" rf"\{a}\d" r"\d" "\\d" "\\\d" """,
    r"""é = f"é{{é}}\d{'é'}"; ü = "\ü"  # \d ' """,
    'x = f"""\n\\d{\na}  \\e\n""" + "\\d\\\nb"\r\ny = "\\d"\r\n',
    "x = [0xfor 1, 1if 1else 2, 1.in y, .5or 1e5and 2]",
    "def f():\n    return '\\d'\n\n\nclass A:\n    '''\\w'''\n",
]
NESTED = r"""x = f"\d{f'\s{"x\q" if 1else ""}\d' + "\w" + '\w'}\d {a:{"\d"}\d{a}}" """


@pytest.mark.parametrize("source", [*DOUBTFUL, *([NESTED] if sys.version_info >= (3, 12) else [])])
def test_the_tree_is_that_of_the_parser(source):
    """Strings keep their values, f-strings their parts, nodes their lines; nothing is said, whatever the filters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = ast.parse(source)
    assert may_warn(source)
    found = syntax_tree(source)
    assert ast.dump(found) == ast.dump(expected)
    lines = [[getattr(node, "lineno", None) for node in ast.walk(tree)] for tree in (found, expected)]
    assert lines[0] == lines[1]


@pytest.mark.parametrize("source", ['x = "\\d" + (', 'x = "\\d', "  x = '\\d'\n y = 1"])
def test_what_is_no_python_is_refused_without_a_warning(source):
    """As the parser refuses it."""
    with pytest.raises(SyntaxError):
        syntax_tree(source)


def test_code_from_a_string_has_no_lines():
    """A file has its lines."""
    assert lines_of("<string>") == [] and lines_of(__file__)[0].startswith('"""Source')


def test_trees_that_threads_make_at_the_same_time_do_not_disturb_each_other() -> None:
    """The program makes syntax trees while ours are made, and collections interrupt both: before Python 3.12 one of
    them got a ``SystemError``, the program's too."""
    source = Path(parser.__file__).read_text()
    failed: list[SystemError] = []
    is_over = threading.Event()

    def interrupt(phase: str, info: dict[str, int]) -> None:
        sum(range(50))

    def ours() -> None:
        while not is_over.is_set():
            try:
                parser.parsed(source)
            except SystemError as error:
                failed.append(error)

    threads = [threading.Thread(target=ours) for _ in range(2)]
    gc.callbacks.append(interrupt)
    try:
        for thread in threads:
            thread.start()
        for _ in range(150):
            ast.parse(source)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
        gc.callbacks.remove(interrupt)
    assert not failed
