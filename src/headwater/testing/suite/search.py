"""Search: the index finds what a full scan finds, in the same order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from headwater.model.graph import NodeKind
from headwater.query.resolve import Resolver, scan
from headwater.query.selectors import Selector, owners, tags
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.projection import search_index
from headwater.storage.row_types import NodeRow
from headwater.testing.events import dataset, facet, raw, run_event, run_id, schema
from headwater.testing.suite.fixture import StoreFixture

_WORDS = ("orders", "order", "customers", "users", "churn", "raw", "über", "顧客注文", "a", "7", "0042", "_", "Straße")
_TYPED = (
    "o", "or", "ord", "order", "orders", "orders c", "orders cust", "customers orders", "rders", "ustome", "custmers",
    "oders custmers", "raw.orders_users", "orders.csv", "0042", "7", "顧", "客注", "ÜBER", "strasse", "zzzz",
    "orders zzzz", "pii", "pii orders", "ada", "email", "email_address churn", "db", "lake orders", "!!!", "orders_7",
    "warehouse of sold things", "nightly orders", "o r d",
)  # fmt: skip
_SELECTED = (
    "kind:dataset", "kind:job", "kind:model", "type:M*", "namespace:lake", "namespace:*k?", "namespace:nowhere",
    "tag:pii", "tag:pii=true", "tag:p*", "owner:ada", "owner:team:data", "owner:*a*", "name:*orders*", "name:raw.*",
    "name:?", "name:*er*_*", "name:[ao]*", "kind:dataset & tag:pii", "kind:job | tag:pii", "!kind:job",
    "!name:*orders*", "namespace:lake & !tag:pii & name:*s", "tag:pii & owner:ada | kind:model & name:*r*",
    "(kind:dataset | kind:job) & !(owner:* | name:a*)", "name:*users.raw*", "name:*.csv", "name:*客*",
)  # fmt: skip


def history(seed: int) -> Iterator[bytes]:
    """Events of some hundred names made of few words, with columns, tags, owners, types; some change or go."""
    pick = random.Random(seed)  # noqa: S311 - tests, no secrets
    names = [_name(pick) for _ in range(160)]
    for number in range(1, 90):
        seen = [_about(pick, name) for name in pick.sample(names, 3)]
        job = pick.choice(("load_orders", "nightly", "churn.train", "a"))
        state = "COMPLETE" if number % 5 else "FAIL"
        yield raw([run_event(run_id(number), f"{job}_{number % 11}", state, number, seen[:1], seen[1:])])[0]


def _name(pick: random.Random) -> str:
    parts = pick.choices(_WORDS, k=pick.randrange(1, 4))
    return (
        "".join(part + pick.choice((".", "_", "/", "")) for part in parts[:-1]) + parts[-1] + pick.choice(("", ".csv"))
    )


def _about(pick: random.Random, name: str) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if pick.random() < 0.3:
        facets["schema"] = schema(*pick.sample(["id", "email_address", "order_total", "Größe"], 2))
    if pick.random() < 0.25:
        pairs = pick.sample([("pii", "true"), ("pii", ""), ("tier", "gold"), ("p", "pii")], 2)
        facets["tags"] = facet(tags=[{"key": key, "value": value} for key, value in pairs])
    if pick.random() < 0.2:
        facets["ownership"] = facet(owners=[{"name": pick.choice(("team:data", "ada", "user:ada"))}])
    if pick.random() < 0.15:
        facets["documentation"] = facet(description="The warehouse of sold things")
    if pick.random() < 0.15:
        facets["datasetType"] = facet(datasetType=pick.choice(("MODEL", "TABLE")))
    if pick.random() < 0.05:
        facets["lifecycleStateChange"] = facet(lifecycleStateChange="DROP")
    return dataset(name, pick.choice(("db", "lake", "lake")), facets)


class SearchingSuite(StoreFixture):
    """Every kind of search against looking at everything, with most nodes in the index and some beside it."""

    @pytest.fixture(params=[1, 40, 10_000])
    def filled(self, store: Store, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
        """A store with a history, of which some, most or none is in the index."""
        monkeypatch.setattr(search_index, "MOST_LOOSE", request.param)
        events = list(history(7))
        for start in range(0, len(events), 4):
            store.append(events[start : start + 4])
        return store

    def test_words_find_what_looking_at_every_node_finds(self, filled: Store) -> None:
        """The same hits in the same order, whatever was typed so far; fewer of them are the beginning of more."""
        with MemoryStore.open() as oracle:
            oracle.append(list(history(7)))
            for text in _TYPED:
                every = [_hit(hit) for hit in oracle.search(text, limit=5000)]
                assert [_hit(hit) for hit in filled.search(text, limit=5000)] == every, text
                for limit in (1, 5, 20):
                    assert [_hit(hit) for hit in filled.search(text, limit=limit)] == every[:limit], text

    def test_what_narrows_a_search_leaves_its_order(self, filled: Store) -> None:
        """Kind, namespace, type, tag and owner let those hits pass that have them, and no other; where none has them,
        what comes near is found among those that have."""
        narrowings: list[dict[str, Any]] = [
            {"kind": NodeKind.JOB}, {"namespace": "lake"}, {"type": "model"}, {"tag": "pii"}, {"owner": "ada"},
            {"kind": NodeKind.DATASET, "tag": "pii=true", "owner": "data"}, {"with_deleted": False},
        ]  # fmt: skip
        passes = _Properties(filled).passes
        for text in ("o", "orders", "custmers", "pii", "raw users"):
            every = filled.search(text, limit=5000)
            for wanted in narrowings:
                found = filled.search(text, limit=5000, **wanted)
                passing = [hit for hit in every if passes(hit.node, wanted)]
                if passing:
                    assert found == passing, (text, wanted)
                else:
                    assert all(hit.score <= 0.3 and passes(hit.node, wanted) for hit in found), (text, wanted)

    def test_selectors_name_what_looking_at_every_node_names(self, filled: Store) -> None:
        """Properties, patterns and what is made of them; a page after a page gives the whole."""
        selector = Selector(filled, Resolver(filled, base="/"))
        rows, properties = list(scan(filled)), _Properties(filled)
        for text in _SELECTED:
            found = selector.select(text)
            assert [row.id for row in found] == [row.id for row in rows if properties.is_named(row, text)], text
            paged: list[int] = []
            while page := selector.page(text, lambda _: True, after=paged[-1] if paged else 0, limit=7):
                paged += [row.id for row in page]
            assert paged == [row.id for row in found], text

    def test_a_name_stands_for_what_looking_at_every_node_finds(self, filled: Store) -> None:
        """The end of a name, with or without its extension and whatever the case, gives the same nodes."""
        resolver = Resolver(filled, base="/nowhere")
        rows = list(scan(filled))
        texts = {text for row in rows[:80] for text in _ends(row.name)} | {"nothing", "顧客", "ORDERS", "."}
        for text in sorted(texts):
            expected = resolver._tiers(text, rows)
            assert {row.id for row in resolver._by_name(text)} == {row.id for row in expected}, text


def _hit(hit: Any) -> tuple[Any, ...]:
    return hit.node.kind, hit.node.namespace, hit.node.name, hit.field, hit.score


def _ends(name: str) -> set[str]:
    places = [at + 1 for at, char in enumerate(name) if char in "/."]
    whole = {name, *(name[at:] for at in places)}
    return {text for text in whole | {one.upper() for one in whole} | {name.rpartition(".")[0]} if text.strip()}


class _Properties:
    """The properties of nodes, told from their rows and their facets. The facets of each are read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._facets: dict[int, dict[str, Any]] = {}

    def passes(self, row: NodeRow, wanted: dict[str, Any]) -> bool:
        """Whether a node has what narrows a search."""
        return (
            wanted.get("kind", row.kind) is row.kind
            and wanted.get("namespace", row.namespace) in {row.namespace, *(space for space, _ in row.aliases)}
            and wanted.get("type", row.type).upper() == row.type.upper()
            and ("tag" not in wanted or wanted["tag"] in tags(self._facets_of(row)))
            and ("owner" not in wanted or wanted["owner"] in owners(self._facets_of(row)))
            and not (row.is_deleted and not wanted.get("with_deleted", True))
        )

    def is_named(self, row: NodeRow, text: str) -> bool:
        """Whether a selector names a node."""
        python = text.replace("|", " or ").replace("&", " and ").replace("!", " not ")
        return bool(eval(_terms(python), {"has": lambda by, value: self._has(row, by, value)}))  # noqa: S307 - our own

    def _has(self, row: NodeRow, by: str, value: str) -> bool:
        if by == "kind":
            return value in {row.kind.value, row.type.lower()}
        if by == "name":
            end = row.name.rpartition("/")[2]
            return fnmatchcase(row.name, value) or ("/" not in value and fnmatchcase(end, value))
        if by in {"tag", "owner"}:
            facets = self._facets_of(row)
            known: Iterable[str] = tags(facets) if by == "tag" else owners(facets)
        else:
            known = [row.type] if by == "type" else [row.namespace, *(space for space, _ in row.aliases)]
        return any(fnmatchcase(name, value) for name in known)

    def _facets_of(self, row: NodeRow) -> dict[str, Any]:
        if row.id not in self._facets:
            self._facets[row.id] = self._store.facets(row.id)
        return self._facets[row.id]


def _terms(python: str) -> str:
    words = python.replace("(", " ( ").replace(")", " ) ").split()
    return " ".join(
        f"has({word.partition(':')[0]!r}, {word.partition(':')[2]!r})" if ":" in word else word for word in words
    )
