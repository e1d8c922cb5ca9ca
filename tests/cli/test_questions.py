"""The questions on the command line: answers, formats, and what is said when there is no answer."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from headwater.cli.commands import COMMANDS, cli
from headwater.errors import HeadwaterError, InvalidInput, NoLineage, NotFound, StoreError
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import dataset, facet, run_event, run_id, whole_run

from .conftest import Invoke, lines

COMMON = [
    ("upstream", "predictions.parquet"),
    ("downstream", "cells.csv"),
    ("path", "cells.csv", "predictions.parquet"),
    ("impact", "cells.csv:radius"),
    ("why", "predictions.parquet#17"),
    ("diff", "train.py"),
    ("search", "radius"),
    ("show", "train.py"),
    ("history", "clean.parquet"),
    ("runs",),
    ("select", "+model:tumour"),
    ("coverage",),
    ("store", "info"),
]


@pytest.mark.parametrize("question", COMMON, ids=lambda question: question[0])
def test_every_question_answers_in_words_and_json(filled: Path, invoke: Invoke, question: tuple[str, ...]) -> None:
    """Each verb prints words by default and one JSON document with --json, and exits with 0."""
    words = invoke(*question)
    assert words.exit_code == 0
    assert words.output.strip()
    assert "\x1b" not in words.output
    document = invoke(*question, "--json")
    assert document.exit_code == 0
    assert json.loads(document.output)


@pytest.mark.parametrize("question", [*COMMON[:-1], ("doctor",)], ids=lambda question: question[0])
def test_no_question_counts_what_the_store_holds(
    filled: Path, invoke: Invoke, question: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer costs what it is about: none looks at every edge, or counts every run, first."""
    asked: list[str] = []
    monkeypatch.setattr(SQLiteStore, "statistics", lambda self: asked.append("statistics"))
    if question[0] not in ("coverage", "doctor"):  # they tell how many there are
        monkeypatch.setattr(SQLiteStore, "tally", lambda self: asked.append("tally"))
    assert invoke(*question).exit_code == 0
    assert asked == []


@pytest.mark.parametrize("command", ["upstream", "downstream"])
def test_walks_take_the_shared_options(filled: Path, invoke: Invoke, command: str) -> None:
    """Depth, time, columns, kinds, level and limit reach the query layer."""
    whole = json.loads(invoke(command, "features.parquet", "--json").output)
    near = json.loads(invoke(command, "features.parquet", "--depth", "1", "--json").output)
    assert len(near["nodes"]) < len(whole["nodes"])
    past = json.loads(invoke(command, "features.parquet", "--as-of", "2026-03-01", "--json").output)
    assert past["edges"] == []
    columns = json.loads(invoke(command, "features.parquet", "--columns", "--json").output)
    assert any(edge["fields"] for edge in columns["edges"])
    models = json.loads(invoke(command, "features.parquet", "--kinds", "model,table", "--json").output)
    assert {node["type"] for node in models["nodes"] if node["kind"] == "dataset"} <= {"FILE", "MODEL", "TABLE"}
    runs = json.loads(invoke(command, "features.parquet", "--level", "run", "--json").output)
    assert {node["kind"] for node in runs["nodes"]} == {"dataset_version", "run"}
    cut = invoke(command, "features.parquet", "--limit", "1")
    assert "truncated of" in cut.output


@pytest.mark.parametrize(
    ("form", "start"),
    [("mermaid", "flowchart"), ("dot", "digraph"), ("graphml", "<?xml"), ("prov", "{"), ("svg", "<svg")],
)
def test_graphs_in_other_formats(filled: Path, invoke: Invoke, form: str, start: str) -> None:
    """Each interchange format is a flag, and what it prints can be read."""
    result = invoke("upstream", "predictions.parquet", f"--{form}")
    assert result.exit_code == 0
    assert result.output.startswith(start)
    if start in {"<?xml", "<svg"}:
        ElementTree.fromstring(result.output.encode())
    assert invoke("export", "+model:tumour", "--format", form).output.startswith(start)


def test_export_writes_a_file(filled: Path, invoke: Invoke) -> None:
    """The whole graph goes into a file; a folder that does not exist is a wrong use, a full disk is not."""
    assert invoke("export", "-o", "graph.json").exit_code == 0
    document = json.loads((filled / "graph.json").read_text())
    assert len([node for node in document["nodes"] if node["kind"] == "dataset"]) == 7
    assert invoke("export", "-o", "no/such/graph.json").exit_code == 2
    with pytest.raises(StoreError, match="cannot write /dev/full: No space left"):
        invoke("export", "-o", "/dev/full")


def test_impact_can_fail_a_pipeline(filled: Path, invoke: Invoke) -> None:
    """--fail-on makes the exit code an answer: 1 when anything is that bad or worse."""
    assert invoke("impact", "cells.csv:radius", "--fail-on", "breaks").exit_code == 1
    assert invoke("impact", "patients.age", "--change", "retype", "--fail-on", "breaks").exit_code == 0
    assert invoke("impact", "report.csv", "--fail-on", "check").exit_code == 0


def test_a_search_without_hits_exits_with_1(filled: Path, invoke: Invoke) -> None:
    """Nothing found is no success, so that a script can tell."""
    result = invoke("search", "zzzzqqqq")
    assert (result.exit_code, result.stderr) == (1, "nothing found\n")
    assert "headwater select 'kind:model & zzzzqqqq'" in invoke("search", "kind:model", "&", "zzzzqqqq").stderr
    assert invoke("search", "cells", "&").stderr == ""
    assert invoke("search", "zzzzqqqq", "--json").exit_code == 1


def test_an_empty_place_says_how_to_start(folder: Path, invoke: Invoke) -> None:
    """Without a store, and with an empty one, the answer is how to get lineage; nothing is created by asking."""
    with pytest.raises(NoLineage, match="no lineage yet") as caught:
        invoke("upstream", "x")
    assert "headwater run train.py" in caught.value.hint
    assert not (folder / ".headwater").exists()
    (folder / "empty.jsonl").write_text("")
    assert invoke("ingest", "empty.jsonl").exit_code == 0
    with pytest.raises(NoLineage, match="no lineage yet"):
        invoke("coverage")


def test_an_empty_store_has_an_answer_for_programs(folder: Path, invoke: Invoke) -> None:
    """What lists or counts gives nothing or zeros as JSON, as a service does, with the exit code of *not found* only
    where something was looked for."""
    (folder / "empty.jsonl").write_text("")
    assert invoke("ingest", "empty.jsonl").exit_code == 0
    for command, answer in ((["runs", "--json"], []), (["select", "kind:job", "--json"], [])):
        told = invoke(*command)
        assert (told.exit_code, json.loads(told.stdout)) == (0, answer)
    found = invoke("search", "x", "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (1, [])
    assert json.loads(invoke("coverage", "--json").stdout)["datasets"] == 0
    assert json.loads(invoke("export").stdout)["total"] == 0
    assert "digraph" in invoke("select", "kind:job", "--dot").stdout


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("upstream", "nothing.csv"), NotFound),
        (("diff", "cells.csv", "train.py"), InvalidInput),
        (("select", "+model:tumour &"), InvalidInput),
        (("upstream", "cells.csv", "--as-of", "2026-99-99"), InvalidInput),
        (("why", "predictions.parquet#100000"), InvalidInput),
        (("impact", "job:train.py", "--fail-on", "check"), InvalidInput),  # else it would let every change pass
    ],
)
def test_failures_are_errors_of_ours(
    filled: Path, invoke: Invoke, args: tuple[str, ...], error: type[HeadwaterError]
) -> None:
    """What cannot be answered raises an error of the tree, which main tells in words."""
    with pytest.raises(error):
        invoke(*args)


def test_every_command_has_help(invoke: Invoke) -> None:
    """Each command explains itself, and the list of commands does so in one line each."""
    listing = invoke("--help").output
    for name, (_, line) in COMMANDS.items():
        assert line in " ".join(listing.split())
        result = invoke(name, "--help")
        assert result.exit_code == 0, name
        assert "Usage:" in result.output
        command = cli.commands.get(name) or cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.help, name


@pytest.mark.parametrize("cells", [40, 60])
def test_a_width_is_kept(filled: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    """With COLUMNS set no line of any answer is wider; ids alone are whole, for whoever copies them."""
    monkeypatch.setenv("COLUMNS", str(cells))
    (filled / "bad.json").write_text('{"eventType": "BAD"}')
    assert invoke("ingest", "bad.json").exit_code == 1
    more = [("upstream", "predictions.parquet", "--columns"), ("store", "info", "--hash"), ("quarantine", "list")]
    for args in [*COMMON, *more]:
        if args[0] != "select":
            assert max(map(len, invoke(*args).output.splitlines())) <= cells, args


def test_nothing_is_lost_where_there_is_little_room(
    filled: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be looked up elsewhere goes over several lines: the hash, the store, the reasons, the notes."""
    (filled / "bad.json").write_text('{"eventType": "BAD"}')
    invoke("ingest", "bad.json")
    for args in (("store", "info", "--hash"), ("quarantine", "list"), ("coverage",)):
        monkeypatch.delenv("COLUMNS", raising=False)
        wide = invoke(*args).output
        monkeypatch.setenv("COLUMNS", "40")
        narrow = invoke(*args).output
        assert re.sub(r"[\s█░]", "", narrow) == re.sub(r"[\s█░]", "", wide)


def test_near_commands_are_suggested(invoke: Invoke) -> None:
    """A misspelt command is a wrong use, with near names."""
    result = invoke("upsteam")
    assert result.exit_code == 2
    assert "Did you mean upstream" in result.output


@pytest.mark.parametrize(
    ("call", "near"),
    [("store inof", "info"), ("config sho", "show"), ("quarantine lst", "list"), ("tenant creat", "create")],
)
def test_a_misspelt_command_of_a_group_has_near_ones(folder: Path, invoke: Invoke, call: str, near: str) -> None:
    """What holds of the commands of ``headwater`` holds of those below them."""
    del folder
    result = invoke(*call.split())
    assert result.exit_code == 2
    assert f"Did you mean {near}" in result.output


def test_asking_leaves_the_environment_as_it_was(filled: Path, invoke: Invoke) -> None:
    """The store named for one question is not that of what the process does next; ``config show`` still tells it."""
    for call in (("search", "train"), ("config", "show", "--origin")):
        result = invoke("--store", str(filled / ".headwater"), *call)
        assert result.exit_code == 0
        assert "HEADWATER_STORE" not in os.environ
    assert re.search(rf"^store +{re.escape(str(filled))}/\.headwater +\(keyword\)$", result.stdout, re.MULTILINE)


def test_two_formats_at_once_are_refused(filled: Path, invoke: Invoke) -> None:
    """Two different formats in one command are a usage error that names both; the same one twice is not."""
    refused = invoke("upstream", "predictions.parquet", "--json", "--mermaid")
    assert refused.exit_code == 2
    assert "--json and --mermaid are two formats: choose one" in refused.output
    assert invoke("upstream", "predictions.parquet", "--json", "--json").exit_code == 0


def test_kinds_that_do_not_exist_are_refused(filled: Path, invoke: Invoke) -> None:
    """A kind that is none is an error that names it and lists those there are; one that nothing here has is not."""
    with pytest.raises(NotFound) as caught:
        invoke("upstream", "predictions.parquet", "--kinds", "model,foo")
    assert caught.value.message == "nothing is of the kind 'foo'"
    assert "kinds are dataset, job, table, view, file, " in str(caught.value.hint)
    assert invoke("upstream", "predictions.parquet", "--kinds", "dashboard,feature, Table").exit_code == 0
    with pytest.raises(NotFound, match="nothing is of the kind 'modle'"):
        invoke("select", "kind:modle")
    assert invoke("select", "kind:dashboard | kind:mod*").exit_code == 0


def test_a_time_before_anything_existed_is_told(filled: Path, invoke: Invoke) -> None:
    """Asked about a time before something was heard of, every verb says so instead of saying that nothing is known."""
    late = "predictions.parquet was first heard of at 2026-03-03 "
    told = "after the time asked about, 2020-01-01 00:00:00 UTC"
    for command in ("upstream", "downstream", "impact", "show"):
        answer = " ".join(invoke(command, "predictions.parquet", "--as-of", "2020-01-01T00:00Z").output.split())
        assert late in answer
        assert told in answer
    with pytest.raises(NotFound) as caught:
        invoke("path", "cells.csv", "predictions.parquet", "--as-of", "2020-01-01T00:00Z")
    assert caught.value.message.startswith("no data flows between ")
    assert late in str(caught.value.hint)
    now = invoke("upstream", "predictions.parquet", "--as-of", "now").output
    assert "first heard of" not in now


def test_a_database_is_not_taken_for_a_table(folder: Path, invoke: Invoke) -> None:
    """The file of a database is no dataset, its tables are: the error names them."""
    people = dataset("people", "sqlite:///data/shop.db", {"datasetType": facet(datasetType="TABLE")})
    invoke("ingest", "-", stdin=lines([run_event(run_id(1), "load", "COMPLETE", 1, outputs=[people])]).encode())
    for name in ("shop.db", "./shop.db", "/data/shop.db"):
        with pytest.raises(NotFound, match=r"shop\.db is a database: name a table in it") as caught:
            invoke("upstream", name)
        assert caught.value.near == ("people",)


def test_what_is_wrong_is_told_as_it_is_typed(filled: Path, invoke: Invoke) -> None:
    """States in the case in which they are given, kinds that there are none of, a selector without its value."""
    with pytest.raises(InvalidInput, match="must be one of new, running, aborted, failed, completed, got bogus"):
        invoke("runs", "--state", "bogus")
    with pytest.raises(NotFound, match="nothing is of the kind 'bogus'"):
        invoke("search", "tumour", "--kind", "bogus")
    assert invoke("search", "predictions", "--kind", "prediction").output == (
        invoke("search", "predictions", "--kind", "PREDICTIONS").output
    )
    with pytest.raises(InvalidInput, match="must have a value after kind:"):
        invoke("select", "kind:")
    assert re.search(r"^integrations +all$", invoke("config", "show").output, re.M)
    assert json.loads(invoke("config", "show", "--json").output)["integrations"] is None


def test_no_columns_are_not_nothing(folder: Path, invoke: Invoke) -> None:
    """Where only the lineage of columns is missing, that is what is said to be unknown."""
    invoke("ingest", "-", stdin=lines(whole_run(1, "load", 1, ["a"], ["b"])).encode())
    assert "1 dataset · 1 job upstream" in invoke("upstream", "b").output
    told = invoke("upstream", "b", "--columns").output
    assert "no column upstream is known" in told
    assert "no column lineage from a to b" in told


@pytest.mark.parametrize("group", ["tenant", "token", "share"])
def test_a_list_of_nobody_makes_nothing(folder: Path, invoke: Invoke, group: str) -> None:
    """Where no service ever ran, there are no tenants, keys and shares, and asking for them leaves no files."""
    assert invoke(group, "list").exit_code == 0
    assert json.loads(invoke(group, "list", "--json").output) in ([], {"given": [], "received": []})
    assert list(folder.iterdir()) == []
