"""Secrets in program text are masked, and nothing else of it is changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import headwater
from headwater.capture.redact import Redactor
from headwater.capture.redact_source import redact_source
from headwater.capture.secrets import MASK, mask_text

CANARY = "Canary-Lit-7f3"

PLANTED = [
    'password = "{c}"',
    "password = '{c}'",
    'db.password = "{c}"',
    'self._api_token = "{c}"',
    'password: str = "{c}"',
    'a = password = "{c}"',
    'password = user = "{c}"',
    'password = b"{c}"',
    'password = rb"{c}"',
    'password = f"{c}{{n}}"',
    'password = """\n{c}\n"""',
    'password = ("x"\n  "{c}")',
    'password = decode("{c}")',
    'password = ["a", "{c}"][1]',
    'password = "a" if x else "{c}"',
    'password += "{c}"',
    'user, password = "me", "{c}"',
    'os.environ["X"] = "{c}"',
    'os.environ["DB_PASSWORD"] = "{c}"',
    'os.environ.setdefault("X", "{c}")',
    'os.environ.update(X="{c}")',
    'os.environ.update({{"X": "{c}"}})',
    'os.putenv("X", "{c}")',
    'def connect(host, password): ...\nconnect("h", "{c}")',
    'class A:\n    def login(self, user, /, password="", *, n=1): ...\nA().login(\n    "u",  # who\n    "{c}", n=2)',
    'connect(f(1, 2), "{c}")\ndef connect(host, password: str = ""): ...',
    'x = os.environ.get("DB_PASSWORD", "{c}")',
    'password = os.getenv("X", "{c}")',
    'connect(host, password="{c}")',
    'connect(host, password=decode("{c}"))',
    'connect(**{{"password": "{c}"}})',
    'settings = {{"host": "h", "auth": {{"user": "{c}"}}}}',
    'settings["password"] = "{c}"',
    'settings.setdefault("api_token", "{c}")',
    'parser.add_argument("--password", "-p", help="h", default="{c}")',
    'pairs = [("password", "{c}"), ("host", "h")]',
    'if password == "{c}": pass',
    'if os.environ["TOKEN"] != "{c}":\n    pass',
    'assert token in ("a", "{c}")',
    'def connect(host, password="{c}"):\n    pass',
    'def connect(host, password: str = "{c}"):\n    pass',
    'def get_password(name):\n    """Doc."""\n    if name:\n        return "x" + "{c}"\n    return ""',
    'def get_password(): return "{c}"',
    'lambda password="{c}": password',
    'if (password := "{c}"): pass',
    'password = "{c}"; n = 1',
    'x = "\u2028 \x0c \x1c"\n\x0c\npassword = "{c}"',
    'n = 1; password = "{c}"',
    'api_key = "A1b2{c}"',
    'x = "postgresql://me:{c}@db:5432/shop"',
    'x = f"postgresql://{{user}}:{c}@db/shop"',
    'x = "Server=h;Password={c};User=me"',
    'x = "Authorization: Bearer {c}AbCdEf12"',
    "x = 1  # password: {c}",
    '"""Log in with password={c}."""',
    'password = "{c}"\nprint("the old one was {c}")  # {c}',
    "query = \"select * from t where name = '{c}' and a = 'x'\"",
    "query = 'delete from t where name = \\'{c}\\''",
    'run("""\n  INSERT INTO t VALUES (1, \'{c}\')\n""")',
    "query = \"select * from t where password = '{c}'\"",
]


@pytest.mark.parametrize("text", PLANTED)
def test_a_literal_under_a_secret_name_is_masked(text):
    """However it gets its name: assigned, passed, keyed, compared, returned, or inside a text of its own form."""
    source = "import os\nrate = 0.5\n" + text.format(c=CANARY) + "\nname = 'kept'\n"
    masked = redact_source(source, mask_text)
    assert masked is not None
    assert CANARY not in masked
    assert MASK in masked
    assert masked.startswith("import os\nrate = 0.5\n")
    assert masked.endswith("\nname = 'kept'\n")
    assert masked.count("\n") == source.count("\n")
    assert redact_source(masked, mask_text) == masked


INNOCENT = """
import pandas as pd

def train(path: str, columns=("age", "income"), depth: int = 3) -> "Model":
    '''Train; see "the paper".'''
    frame = pd.read_csv(path, sep=";", dtype={"id": "int64"})  # semicolons
    password = os.environ["DB_PASSWORD"]
    token = getenv("API_TOKEN")
    key = frame["key"]
    rows = run(f"select name from people where ssn = '{number}'")
    name = f"{path!r:>{depth}} {frame.shape['a']}"
    tokens = {"max_tokens": 512, "pad_token": "<pad>"}
    merged = frame.merge(other, on="customer_key", how="left")
    if name == "x" and depth != 3:
        return {"a": [1, 2], "b": "c"}["b"]
    print("done", end="")
"""


def test_other_text_is_kept_to_the_letter():
    """Column names, paths, join keys, looked-up names of variables, numbers and layout stay."""
    assert redact_source(INNOCENT, mask_text) == INNOCENT


def test_numbers_under_a_secret_name_are_masked():
    """A PIN is a secret; a count of tokens is a setting."""
    assert redact_source("pin = 1234\nmax_tokens = 1234\nf(pin=99)\n", mask_text) == (
        f'pin = "{MASK}"\nmax_tokens = 1234\nf(pin="{MASK}")\n'
    )


@pytest.mark.parametrize("text", ["x = (1,\n", "if x:\n  a\n b\n", 'x = """open\n'])
def test_text_that_cannot_be_read_is_not_kept(text):
    """Nobody could tell its secrets."""
    assert redact_source(text, mask_text) is None


@pytest.mark.parametrize(
    "text", ["", "\n", "x", "x = 1", "\tx\n", "x = 'é漢'  # ü\n", "a\r\nb = 'x'\r\n", "x = 1\n\f\ny\n"]
)
def test_text_without_secrets_is_the_same_text(text):
    """Line ends, tabs, form feeds and letters of every width included."""
    assert redact_source(text, mask_text) == text


def test_a_masked_text_in_sql_keeps_its_lines():
    """A text in an SQL statement may run over several lines; those below keep their numbers."""
    source = 'query = """INSERT INTO notes VALUES (\'first\nsecond\', 1)"""\nprint(query)\n'
    masked = redact_source(source, mask_text)
    assert masked is not None
    assert "second" not in masked
    assert masked.split("\n")[2:] == source.split("\n")[2:]


def test_our_own_code_keeps_its_shape():
    """Masking changes no line count, and what is masked is still a program."""
    import ast

    for path in sorted((Path(headwater.__file__).parent / "capture").glob("*.py")):
        text = path.read_text()
        masked = redact_source(text, mask_text)
        assert masked is not None
        assert masked.count("\n") == text.count("\n"), path
        ast.parse(masked)


def event(body):
    """An event whose job carries that source, as bytes."""
    import msgspec

    return msgspec.json.encode({"job": {"facets": {"sourceCode": body}}, "run": {"facets": {}}})


def source_after(redactor, text, **more):
    """The ``sourceCode`` facet of an event, after the redactor has seen it; None where it took it out."""
    import msgspec

    document = msgspec.json.decode(redactor.event(event({"language": "python", "sourceCode": text, **more})))
    return document["job"]["facets"].get("sourceCode")


def test_the_redactor_masks_source_in_every_event():
    """As program text, on one line too, with the names and patterns of the settings, and what was learned."""
    redactor = Redactor(keys=["fruit"], patterns=["zz[0-9]+"])
    redactor.learn(["Known-Value-1"])
    text = 'os.environ["X"] = "hunter22"\nfruit = "apple"\nx = "zz99", "Known-Value-1"\ntoken = next(stream)\n'
    found = source_after(redactor, text, sha256="ab" * 32)
    assert found == {
        "language": "python",
        "sha256": "ab" * 32,
        "sourceCode": f'os.environ["X"] = "{MASK}"\nfruit = "{MASK}"\nx = "{MASK}", "{MASK}"\ntoken = next(stream)\n',
    }
    assert source_after(Redactor(), 'os.environ["X"]="hunter22"') == {
        "language": "python",
        "sourceCode": f'os.environ["X"]="{MASK}"',
    }
    assert source_after(Redactor(), "x = (") is None
    assert source_after(Redactor(), "password=hunter22", language="shell")["sourceCode"] == f"password={MASK}"


def test_a_long_source_is_cut_at_a_line_and_says_so():
    """256 kB are kept, whole lines, marked."""
    line = "value = value + 1\n"
    text = line * (256 * 1024 // len(line) + 10)
    found = source_after(Redactor(), text)
    assert found["is_cut"] is True
    assert found["sourceCode"] == line * (256 * 1024 // len(line))
    assert "is_cut" not in source_after(Redactor(), line)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="formatted strings are one token before Python 3.12")
def test_nested_formatted_strings_are_masked_whole():
    """A quote inside a formatted string, as Python 3.12 allows it, does not end it."""
    text = f'password = f"{{d["a"]}} {CANARY}"\nx = f"{{d["a"]}}"\n'
    assert redact_source(text, mask_text) == f'password = "{MASK}"\nx = f"{{d["a"]}}"\n'
