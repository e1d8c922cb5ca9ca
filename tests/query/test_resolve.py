"""Names as people type them, in a table; what is ambiguous or unknown is told, with candidates."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from headwater.errors import HeadwaterError, InvalidInput, NotFound
from headwater.model.graph import NodeKind
from headwater.query import Lineage
from headwater.query.names import node_id
from headwater.query.resolve import Resolver
from headwater.storage.base import Store

from .histories import BASE, RUN, dataset, encoded, run_events

PREDS = "dataset:file:/project/out/predictions.parquet"
PATIENTS = "dataset:postgres://db:5432:clinic.public.patients"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PREDS, PREDS),
        ("dataset:file:/project/out/predictions.parquet", PREDS),
        ("predictions.parquet", PREDS),
        ("out/predictions.parquet", PREDS),
        ("./out/predictions.parquet", PREDS),
        ("/project/out/predictions.parquet", PREDS),
        ("predictions", PREDS),
        ("PREDICTIONS.parquet", PREDS),
        ("prediction:predictions", PREDS),
        ("predictions:predictions.parquet", PREDS),
        ("model:tumour", "dataset:file:/project/models/tumour.pkl"),
        ("dataset:patients", PATIENTS),
        ("patients", PATIENTS),
        ("public.patients", PATIENTS),
        ("clinic.public.patients", PATIENTS),
        ("job:train.py", "job:project:train.py"),
        ("train.py", "job:project:train.py"),
        ("job:project:train.py", "job:project:train.py"),
    ],
)
def test_names_of_nodes(lineage: Lineage, text: str, expected: str) -> None:
    """Each way to name a node finds it."""
    assert node_id(lineage.resolver.node(text)) == expected


@pytest.mark.parametrize(
    ("text", "node", "field"),
    [
        ("patients.age", PATIENTS, "age"),
        ("clinic.public.patients.age", PATIENTS, "age"),
        ("patients:AGE", PATIENTS, "age"),
        ("cells.csv:radius", "dataset:file:/project/raw/cells.csv", "radius"),
        ("raw/cells.csv.texture", "dataset:file:/project/raw/cells.csv", "texture"),
        ("datasetField:postgres://db:5432:clinic.public.patients:id", PATIENTS, "id"),
    ],
)
def test_names_of_columns(lineage: Lineage, text: str, node: str, field: str) -> None:
    """A column is named behind a dot or a colon, whatever else the name holds."""
    target = lineage.resolver.target(text)
    assert (node_id(target.node), target.field) == (node, field)


@pytest.mark.parametrize(
    ("text", "ordinal", "row"),
    [
        ("predictions.parquet#v1", 1, None),
        ("predictions.parquet#latest", 2, None),
        ("predictions.parquet#f3f3", 1, None),
        ("predictions.parquet#17", None, 17),
        ("predictions.parquet#v1#17", 1, 17),
    ],
)
def test_names_of_versions_and_rows(lineage: Lineage, text: str, ordinal: int | None, row: int | None) -> None:
    """Behind ``#`` stands a version, a row, or both."""
    target = lineage.resolver.target(text, prefer_row=True)
    assert (target.version.ordinal if target.version else None, target.row) == (ordinal, row)


def test_a_state_that_nobody_wrote_is_found_by_its_values_and_by_its_file(store: Store) -> None:
    """As a reader told them; a start that two have is refused, and so is one that none has."""
    for day, values, file in ((6, "b7c80" * 6, "d9e0" * 16), (7, "b7c8f" * 6, "d9e1" * 16)):
        marks = {"exact": values, "file": {"sha256": file, "size_bytes": 9}}
        raw = {**dataset("cells", headwater_fingerprint=marks), "name": f"{BASE}/raw/grains.csv"}
        store.append(
            encoded(
                run_events(
                    "count.py", 7, day=day, operation="ETL", inputs=[raw], outputs=[dataset("report")], entries=[]
                )
            )
        )
    resolver = Resolver(store, base=BASE)
    found = [resolver.target(f"grains.csv#{start}").version for start in ("b7c80", "d9e0", "b7c8f", "d9e1" * 16)]
    assert [one.ordinal if one else None for one in found] == [1, 1, 2, 2]
    with pytest.raises(InvalidInput, match="2 start so"):
        resolver.target("grains.csv#b7c8")
    with pytest.raises(InvalidInput, match="must be a version"):
        resolver.target("grains.csv#abcd")


@pytest.mark.parametrize("suffix", [":age", ":AGE", "#v1", "#latest"])
def test_a_part_of_a_full_id_is_found_without_a_search(store: Store, suffix: str) -> None:
    """A page or a program names things by id: its questions cost the same however many names there are."""
    found = Resolver(NoSearch(store), base=BASE).target(PATIENTS + suffix)
    assert node_id(found.node) == PATIENTS
    assert found.field == ("age" if suffix.startswith(":") else "")
    assert (found.version is not None) == suffix.startswith("#")


class NoSearch:
    """A store that must not be asked for all its names, nor for those like a text."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        assert name not in {"search", "scan_nodes"}
        return getattr(self._store, name)


def test_runs_by_id_and_by_start(lineage: Lineage) -> None:
    """A run is found by its id, with or without ``run:``, and by a unique start of it."""
    run_id = RUN.format(day=4, job=3)
    for text in (run_id, f"run:{run_id}", run_id.upper(), run_id[:13]):
        found = lineage.resolver.run(text)
        assert found is not None
        assert found.run_id == run_id
    with pytest.raises(InvalidInput, match="4 runs start with"):
        lineage.resolver.run(run_id[:8])
    with pytest.raises(InvalidInput, match="more than 5 runs start with"):
        lineage.resolver.run(run_id[:4])
    assert lineage.resolver.run(f"{run_id[:4]}-{run_id[4:8]}") is None
    assert lineage.resolver.run("ffffffff") is None


def test_several_matches_are_listed(store: Store) -> None:
    """A name that is the end of several is refused with all of them."""
    other = {**dataset("report"), "name": f"{BASE}/archive/report.csv"}
    store.append(encoded(run_events("copy.py", 6, day=5, operation="ETL", inputs=[], outputs=[other], entries=[])))
    with pytest.raises(InvalidInput) as caught:
        Resolver(store, base="/elsewhere").target("report.csv")
    assert "dataset:file:/project/archive/report.csv" in str(caught.value)
    assert "dataset:file:/project/out/report.csv" in str(caught.value)


def test_the_working_folder_decides(store: Store) -> None:
    """A relative file is taken from the working folder first."""
    other = {**dataset("report"), "name": f"{BASE}/archive/report.csv"}
    store.append(encoded(run_events("copy.py", 6, day=5, operation="ETL", inputs=[], outputs=[other], entries=[])))
    found = Resolver(store, base=f"{BASE}/archive").node("report.csv")
    assert found.name == f"{BASE}/archive/report.csv"


@pytest.mark.parametrize("text", ["predictoins.parquet", "predictions.parqet"])
def test_misspelt_names_get_suggestions(lineage: Lineage, text: str) -> None:
    """An unknown name raises NotFound with names that look like it."""
    with pytest.raises(NotFound) as caught:
        lineage.upstream(text)
    assert "predictions.parquet" in caught.value.near


@pytest.mark.parametrize(
    "ask",
    [
        lambda lineage: lineage.show("zzzzqqqq"),
        lambda lineage: lineage.record("predictions.parquet"),
        lambda lineage: lineage.why("predictions.parquet", as_of="2001-01-01"),
        lambda lineage: lineage.why("predictions.parquet#nope"),
        lambda lineage: lineage.why("train.py"),
        lambda lineage: lineage.select("run:0000"),
        lambda lineage: lineage.diff("train.py", "predictions.parquet"),
    ],
)
def test_hints_name_the_verb_that_helps(lineage: Lineage, ask: Callable[[Lineage], object]) -> None:
    """Whoever asks in Python or over HTTP is not sent to a terminal: a hint quotes a verb that a handle has."""
    with pytest.raises(HeadwaterError) as caught:
        ask(lineage)
    assert "headwater" not in caught.value.hint
    verbs = re.findall(r"'(\w+)[ ']", caught.value.hint)
    assert verbs
    assert all(hasattr(lineage, verb) for verb in verbs)


def test_misspelt_columns_get_suggestions(lineage: Lineage) -> None:
    """An unknown column of a known file raises NotFound with columns of that file."""
    with pytest.raises(NotFound) as caught:
        lineage.upstream("cells.csv:radios")
    assert "radius" in caught.value.near


def test_rows_and_versions_that_are_neither(lineage: Lineage) -> None:
    """What stands behind # must be a version or a number."""
    with pytest.raises(InvalidInput, match="must be a version of the dataset or the number of a row"):
        lineage.resolver.target("predictions.parquet#minus-one")


@pytest.mark.parametrize("suffix", ["v²", "²", "v" + "9" * 30, "v" + "9" * 3900])
def test_a_number_of_a_version_that_is_none_is_refused(lineage: Lineage, suffix: str) -> None:
    """Not every sign that counts as a digit is one, and no number is too long to be told so."""
    with pytest.raises(InvalidInput, match="must be a version of the dataset or the number of a row"):
        lineage.show(f"predictions.parquet#{suffix}")


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("arn:aws:glue:eu-west-1:123456789012", "table/sales/orders"),
        ("spanner://proj:inst", "db.schema.t"),
        ("postgres://[2001:db8::1]:5432", "db.public.t"),
        ("s3://bucket", "a/b c/ünï#1.csv"),
        ("file", "/data/a:b.csv"),
    ],
)
def test_ids_with_every_separator_are_looked_up(empty: Store, namespace: str, name: str) -> None:
    """Ids are matched against stored names, never split by a rule."""
    event = {
        "eventTime": "2026-01-01T00:00:00Z",
        "producer": "https://example.org",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
        "dataset": {"namespace": namespace, "name": name, "facets": {}},
    }
    empty.append([json.dumps(event).encode()])
    row = Resolver(empty, base="/").node(f"dataset:{namespace}:{name}")
    assert (row.kind, row.namespace, row.name) == (NodeKind.DATASET, namespace, name)
    assert Resolver(empty, base="/").node(name).id == row.id


def test_nothing_is_no_name(lineage: Lineage) -> None:
    """An empty name is refused."""
    with pytest.raises(InvalidInput, match="must not be empty"):
        lineage.resolver.target("  ")


@pytest.mark.parametrize("text", ["a" * 4001, ":" * 4001, "#" * 70_000])
def test_a_name_has_a_length(lineage: Lineage, text: str) -> None:
    """What is longer than any name is refused before it is looked for."""
    with pytest.raises(InvalidInput, match="at most 4,000 characters"):
        lineage.resolver.target(text)


@pytest.mark.parametrize(
    "text", ["a#" * 1999 + "b", "a." * 1999 + "b", "dataset:" + "a:" * 1900, "." * 4000, ":" * 4000]
)
def test_a_name_of_nothing_but_separators_is_looked_up_few_times(lineage: Lineage, text: str) -> None:
    """Each place where a column or a version could begin costs a look-up: there is a bound to them."""
    asked = []
    rows = lineage.resolver.rows
    lineage.resolver.rows = lambda *given, **named: asked.append(1) or rows(*given, **named)
    with pytest.raises(NotFound):
        lineage.resolver.target(text)
    assert len(asked) < 40
