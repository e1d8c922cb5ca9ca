"""A canary over every capture path: planted secrets are in no byte that capture leaves on disk."""

from __future__ import annotations

import pytest

CANARIES = {
    "parameter": "Canary-Param-7f3",
    "argument": "Canary-Argv-7f3",
    "equals": "Canary-Equals-7f3",
    "environment": "Canary-Env-7f3",
    "sql": "Canary-Sql-7f3",
    "url": "Canary-Url-7f3",
    "userinfo": "Canary-User-7f3",
    "exception": "Canary-Exc-7f3",
    "source": "Canary-Src-7f3",
    "file": "Canary-File-7f3",
    "step": "Canary-Step-7f3",
    "tag": "Canary-Tag-7f3",
    "metric": "Canary-Metric-7f3",
    "dsn": "Canary-Dsn-7f3",
    "code": "Canary-Code-7f3",
    "assigned": "Canary-Lit-7f3",
    "environ": "Canary-Set-7f3",
    "called": "Canary-Call-7f3",
    "body": "Canary-Body-7f3",
    "comment": "Canary-Note-7f3",
}

SCRIPT = """
import os, sys, sqlite3
import headwater as hw
import pandas as pd

with hw.run("inner", parameters={{"db_password": "{parameter}", "nested": {{"api_key": "{parameter}"}}}}) as run:
    run.parameter("connection", "Server=x;Password={dsn};User=me")
    run.tag("token", "{tag}")
    run.metric("password={metric}", 1.0)
    run.read("https://me:{userinfo}@host/data.csv?sig={url}&token={url}")
    run.write("postgresql://me:{userinfo}@db:5432/shop")

@hw.step
def load(path, password="{step}"):
    return path

load("x")
connection = sqlite3.connect("data.db")
connection.execute("create table people (name text, ssn text)")
connection.execute("insert into people values ('jane', '{sql}')")
frame = pd.read_sql("select name from people where ssn = '{sql}'", connection)
frame.to_csv("out.csv")
open("log.txt?token={file}", "w").write("x")
print(os.environ["DB_PASSWORD"] == "{environment}", sys.argv[1:] != [])
secret = "{source}"
os.environ["X"] = "{environ}"
settings = {{"password": "{assigned}", "url": "https://me:{assigned}@host/"}}  # password={comment}
def connect(user, token="{called}"): return user
connect("me", token="{called}")

@hw.step
def clean(path):
    api_token = "{body}"
    return path

clean("x")
raise ValueError("cannot log in with password={exception}, token {environment}, argument {argument}")
"""


@pytest.mark.parametrize("destination", ["embedded", "file", "spool"])
def test_no_planted_secret_reaches_the_disk(project, destination):
    """Parameters, arguments, environment, SQL, URLs, exceptions, source lines and file names, to every destination."""
    project.environment |= {"DB_PASSWORD": CANARIES["environment"], "HEADWATER_ENVIRONMENT_VARIABLES": "DB_PASSWORD"}
    if destination != "file":
        for name in ("HEADWATER_TRANSPORT", "HEADWATER_TRANSPORT__PATH"):
            del project.environment[name]
    if destination == "spool":
        project.environment |= {"HEADWATER_URL": f"http://me:{CANARIES['userinfo']}@127.0.0.1:9"}
        project.environment |= {"HEADWATER_API_KEY": CANARIES["environment"]}
    project.write("s.py", SCRIPT.format(**CANARIES))
    arguments = ["s.py", "--password", CANARIES["argument"], f"--api-token={CANARIES['equals']}", "--epochs", "3"]
    ended = project.captured(*arguments)
    assert ended.code == 1
    assert "True True" in ended.out
    found = []
    written_by_the_script = ("data.db", "out.csv", "log.txt")
    for path, data in project.everything_on_disk():
        if path.name.startswith(written_by_the_script):
            continue
        found += [(path.name, kind) for kind, secret in CANARIES.items() if secret.encode() in data]
        found += [(path.name, "name") for secret in CANARIES.values() if secret in path.name]
    assert found == []
    assert any(
        path.parent.name in (".headwater", "spool", project.folder.name) for path, _ in project.everything_on_disk()
    )


def test_messages_on_standard_error_are_redacted_too(project):
    """The one line that capture may say does not give the address's password away."""
    address = f"http://me:{CANARIES['userinfo']}@127.0.0.1:9"
    project.environment = {"HEADWATER_URL": address, "HEADWATER_TRANSPORT__RETRIES": "0"}
    project.write("s.py", "print(1)")
    said = project.captured("-v", "s.py").err
    assert "127.0.0.1" in said
    assert CANARIES["userinfo"] not in said


def test_parameters_that_are_no_secrets_are_kept(project):
    """Redaction leaves what lineage is for."""
    project.write("s.py", "print(1)")
    project.captured("s.py", "--epochs", "3", "--lr=0.1", "--password", "Canary-Argv-7f3", "--verbose")
    assert project.facet("headwater_parameters")["parameters"] == {
        "epochs": 3,
        "lr": 0.1,
        "password": "[redacted]",
        "verbose": True,
    }
    assert project.facet("headwater_process")["argv"][-2:] == ["[redacted]", "--verbose"]
