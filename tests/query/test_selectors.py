"""Selectors: the language, its algebra, and the sets it names."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidSelector, NotFound
from headwater.query import Lineage
from headwater.query.selector_parse import And, Expression, Method, Name, Not, Or, Reached, parse
from headwater.storage.memory import MemoryStore
from headwater.testing.events import EPOCH_US, SECOND_US, dataset_event, facet, raw, run_event, run_id

from .histories import BASE, NOW_US, encoded, project, report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", Name("a")),
        ("+model:churn", Reached(Name("model:churn"), -1, 0)),
        ("a+2", Reached(Name("a"), 0, 2)),
        ("2+a+1", Reached(Name("a"), 2, 1)),
        ("+a+", Reached(Name("a"), -1, -1)),
        ("tag:pii+ & kind:model", And(Reached(Method("tag", "pii"), 0, -1), Method("kind", "model"))),
        ("a | b & c", Or(Name("a"), And(Name("b"), Name("c")))),
        ("(a | b) & !c", And(Or(Name("a"), Name("b")), Not(Name("c")))),
        ("not a and b or c", Or(And(Not(Name("a")), Name("b")), Name("c"))),
        ("+(a | b)+1", Reached(Or(Name("a"), Name("b")), -1, 1)),
        ("'my table' | namespace:\"a b\"", Or(Name("my table"), Method("namespace", "a b"))),
        ("*.csv", Name("*.csv")),
        ("c++/x", Name("c++/x")),
        ("!a", Not(Name("a"))),
        ("s3://b/a!b", Name("s3://b/a!b")),
    ],
)
def test_the_language(text: str, expected: Expression) -> None:
    """Each form is read as documented; & binds closer than |."""
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "a &", "& a", "(a", "a)", "a b", "+", "'a", "!", "()", "(" * 300 + "a"])
def test_wrong_expressions_say_where(text: str) -> None:
    """What cannot be read raises InvalidSelector with the place and the rule."""
    with pytest.raises(InvalidSelector) as caught:
        parse(text)
    assert "character" in caught.value.field
    assert caught.value.rule


@pytest.mark.parametrize("text", ["9" * 5000 + "+a", "a+" + "9" * 5000, "²+a", "a+²"])
def test_hops_of_any_length_are_read(text: str) -> None:
    """More hops than Python reads numbers are all of them; a digit that is none belongs to a name."""
    assert parse(text) in (Reached(Name("a"), -1, 0), Reached(Name("a"), 0, -1), Name("²+a"), Name("a+²"))


@given(st.text(alphabet="ab+&|!() '\":*2", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the parser fail in another way."""
    try:
        parse(text)
    except InvalidSelector as error:
        assert error.rule


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("model:tumour", ["tumour.pkl"]),
        ("1+tumour.pkl", ["features.parquet", "train.py", "tumour.pkl"]),
        ("tumour.pkl+1", ["predict.py", "predictions.parquet", "tumour.pkl"]),
        ("kind:model | kind:table", ["clinic.public.patients", "tumour.pkl"]),
        ("tag:pii", ["clinic.public.patients"]),
        ("tag:pii=true+ & kind:model", ["tumour.pkl"]),
        ("owner:lab", ["cells.csv"]),
        ("owner:team:*", ["cells.csv"]),
        ("namespace:postgres*", ["clinic.public.patients"]),
        ("type:file & !*.parquet", ["cells.csv", "report.csv"]),
        ("job:*", ["clean.py", "features.py", "predict.py", "report.py", "train.py"]),
        ("*.csv", ["cells.csv", "report.csv"]),
        ("state:completed", ["clean.py", "features.py", "predict.py", "report.py", "train.py"]),
        ("state:comp* & +tumour.pkl", ["clean.py", "features.py", "train.py"]),
        ("kind:job & +predictions.parquet", ["clean.py", "features.py", "predict.py", "train.py"]),
    ],
)
def test_sets_of_the_project(lineage: Lineage, expression: str, names: list[str]) -> None:
    """Each selector names exactly these nodes of the sample project."""
    found = lineage.select(expression)
    assert sorted(name.rpartition(":")[2].rpartition("/")[2] for name in found) == names


def test_a_run_names_what_it_touched(lineage: Lineage) -> None:
    """``run:`` names the job and the datasets of one run."""
    run = lineage.runs("train.py", limit=1)[0]
    found = lineage.select(f"run:{run.run_id} & !kind:job")
    assert [name.rpartition("/")[2] for name in found] == ["tumour.pkl", "features.parquet"]


def test_patterns_and_runs_that_match_nothing(lineage: Lineage) -> None:
    """A name or pattern without a match is an error, so that a typing error is no empty set."""
    for expression in ("*.nothing", "run:ffffffff", "no_such_name"):
        with pytest.raises(NotFound):
            lineage.select(expression)


@pytest.mark.parametrize("most", [1, 100])
def test_jobs_are_named_by_how_their_latest_run_stands(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """An earlier failure that was mended does not count, at another instant it does; the same from few runs or many."""
    monkeypatch.setattr("headwater.query.selectors._MOST_RUNS", most)
    store = MemoryStore.open()
    ends = [("mended", "FAIL"), ("mended", "COMPLETE"), ("broken", "COMPLETE"), ("broken", "FAIL"), ("goes", "START")]
    store.append(raw([run_event(run_id(at), job, end, at, [], []) for at, (job, end) in enumerate(ends, 1)]))
    now = EPOCH_US + 10_000_000
    asked = Lineage(store, clock=lambda: now)
    assert asked.select("state:failed") == ["job:jobs:broken"]
    assert asked.select("state:running | state:new") == ["job:jobs:goes"]
    assert asked.select("state:completed") == ["job:jobs:mended"]
    assert asked.select("!state:failed & kind:job") == ["job:jobs:goes", "job:jobs:mended"]
    assert asked.select("state:failed", as_of=EPOCH_US + 1_500_000) == ["job:jobs:mended"]
    with pytest.raises(NotFound, match="no run has the state 'odd'"):
        asked.select("state:odd")


ATOMS = st.sampled_from(
    [
        "cells.csv",
        "tumour.pkl",
        "kind:model",
        "kind:job",
        "type:file",
        "name:*.csv",
        "*.parquet",
        "+tumour.pkl",
        "clean.parquet+1",
        "tag:pii+",
        "state:completed",
    ]
)
_SHARED: list[Lineage] = []


def shared() -> Lineage:
    """Return one store for all examples: selecting changes nothing."""
    if not _SHARED:
        from headwater.storage.memory import MemoryStore

        store = MemoryStore.open()
        store.append(encoded(project(3) + report(3)))
        _SHARED.append(Lineage(store, base=BASE, clock=lambda: NOW_US))
    return _SHARED[0]


@settings(max_examples=40, deadline=None)
@given(ATOMS, ATOMS, ATOMS)
def test_the_algebra_of_sets(a: str, b: str, c: str) -> None:
    """Selectors obey the laws of sets, so that expressions can be rewritten with confidence."""

    def select(text: str) -> set[str]:
        return set(shared().select(text))

    assert select(f"{a} & {b}") == select(a) & select(b)
    assert select(f"{a} & !{b}") == select(f"!{b} & {a}") == select(a) - select(b)
    assert select(f"{a} | {b}") == select(a) | select(b)
    assert select(f"!({a} | {b})") == select(f"!{a} & !{b}")
    assert select(f"{a} & ({b} | {c})") == select(f"({a} & {b}) | ({a} & {c})")
    assert select(f"!!{a}") == select(a)


SAID = {
    "is personal": {"tags": facet(tags=[{"key": "pii", "value": "true"}])},
    "has no tags": {"tags": facet(_deleted=True)},
    "is of sales": {"ownership": facet(owners=[{"name": "team:sales"}])},
    "is of ada": {"ownership": facet(owners=[{"name": "ada"}])},
    "is a table": {"datasetType": facet(datasetType="TABLE")},
    "is dropped": {"lifecycleStateChange": facet(lifecycleStateChange="DROP")},
}
ANY_TIME = ["tag:pii", "tag:p*", "owner:sales", "owner:*", "kind:dataset", "type:table", "namespace:d*", "name:*.csv"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a.csv", "b.csv", "c.csv"]), st.sampled_from(list(SAID))), min_size=2, max_size=6
    ),
    st.integers(0, 3),
    st.sampled_from([*ANY_TIME, *(f"!{selector}" for selector in ANY_TIME), "kind:dataset & !tag:pii | owner:ada"]),
)
def test_a_selector_at_an_instant_is_one_of_the_store_as_it_was(
    history: list[tuple[str, str]], until: int, expression: str
) -> None:
    """What was tagged, owned or there at that time, whatever was said, dropped or heard of since."""
    history = [(name, said) for at, (name, said) in enumerate(history) if (name, "is dropped") not in history[:at]]
    events = raw([dataset_event(name, at, SAID[said]) for at, (name, said) in enumerate(history)])
    now, then = MemoryStore.open(), MemoryStore.open()
    now.append(events)
    then.append(events[: until + 1])
    typed = {name for name, said in history[until + 1 :] if said == "is a table"}
    if "type:" in expression and typed:
        return  # the type of a node is the present one, also in the past
    assert Lineage(now).select(expression, as_of=EPOCH_US + until * SECOND_US) == Lineage(then).select(expression)


@pytest.mark.parametrize("text", ["data[1].csv", "file:data[1].csv", "data[1].csv & kind:dataset"])
def test_a_name_with_brackets_is_a_name(text: str) -> None:
    """A pattern that does not match its own text is the name of what is called so, if anything is."""
    store = MemoryStore.open()
    event = dataset_event("data[1].csv", 1, {"datasetType": facet(datasetType="FILE")})
    store.append(raw([event, dataset_event("data1.csv", 1, {})]))
    assert Lineage(store).select(text) == ["dataset:db:data[1].csv"]
    assert Lineage(store).select("data[0-9].csv") == ["dataset:db:data1.csv"]


def test_a_selected_graph_has_the_edges_between(lineage: Lineage) -> None:
    """The graph of a selector holds its nodes and the edges whose ends are both among them."""
    graph = lineage.graph("1+tumour.pkl")
    assert [(edge.source.rpartition("/")[2], edge.target.rpartition("/")[2]) for edge in graph.edges] == [
        ("features.parquet", "tumour.pkl")
    ]
