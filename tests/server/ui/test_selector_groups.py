"""Groups by selectors: which node stands in which, and what is said of selectors that group nothing."""

from __future__ import annotations

import pytest

from headwater.query.lineage import Lineage
from headwater.server.rendering.groups import groups_of
from headwater.server.rendering.scene import scene_of
from headwater.server.rendering.views import View, answer
from headwater.storage.memory import MemoryStore
from headwater.testing.events import dataset, facet, raw, run_event, run_id


@pytest.fixture
def lineage():
    """``load`` makes ``b`` and ``c`` of ``a``, ``fit`` a model of ``b``, ``odd`` what has a semicolon in its name."""
    model = dataset("m", facets={"datasetType": facet(datasetType="MODEL")})
    store = MemoryStore.open()
    store.append(
        raw(
            [
                run_event(run_id(1), "load", "COMPLETE", 1, ["a"], ["b", "c"]),
                run_event(run_id(2), "fit", "COMPLETE", 2, ["b"], [model]),
                run_event(run_id(3), "fit", "FAIL", 3, ["b"], [model]),
                run_event(run_id(4), "odd", "COMPLETE", 4, ["b"], ["x;y"]),
            ]
        )
    )
    return Lineage(store)


def grouped(lineage: Lineage, by: str, **more: object):
    """The groups of the view around ``a``, and its scene."""
    view = View(root="a", up=9, down=9, group="selector", by=by, **more)
    shown = answer(lineage, view)
    groups = groups_of(lineage, view, shown)
    return groups, scene_of(shown, view, groups)


def test_a_node_stands_in_the_first_group_that_names_it(lineage):
    """Groups are made in the order of the selectors; who is named by none stands alone."""
    groups, _ = grouped(lineage, "+b; kind:model\n[bc]")
    assert groups.rule == {
        "dataset:db:a": "+b",
        "dataset:db:b": "+b",
        "dataset:db:m": "kind:model",
        "dataset:db:c": "[bc]",
    }
    assert groups.problem == ""


def test_a_card_of_a_group_counts_all_it_holds_and_has_the_worst_state(lineage):
    """Every node of a group is counted on its card, and one failed run is its state."""
    _, scene = grouped(lineage, "+b; kind:model", collapsed=("*",))
    cards = {card.label: card for card in scene.picture.cards if card.kind == "group"}
    assert (cards["+b"].detail, cards["+b"].state) == ("2 datasets", "completed")
    assert (cards["kind:model"].detail, cards["kind:model"].state) == ("1 model", "failed")
    assert sum(len(group.members) for group in scene.picture.groups) == 3


def test_a_semicolon_in_quotes_is_part_of_a_name(lineage):
    """Names hold every sign there is."""
    groups, _ = grouped(lineage, "'x;y'; kind:model")
    assert groups.rule == {"dataset:db:x;y": "'x;y'", "dataset:db:m": "kind:model"}


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("", "Say by which selectors"),
        (" ; ;", "Say by which selectors"),
        ("kind:model; tag:pii &", "“tag:pii &” groups nothing: selector, character 10"),
        ("no.such.name", "“no.such.name” groups nothing: nothing named 'no.such.name' is known"),
        ("tag:pii", "No dataset in the picture fits “tag:pii”."),
        ("kind:job", "No dataset in the picture fits “kind:job”."),
        (";".join(f"name:{at}" for at in range(21)), "21 selectors; there may be 20"),
    ],
)
def test_what_groups_nothing_is_named(lineage, by, words):
    """The message names the selector and what is wrong with it; the picture is shown, and its table says it too."""
    groups, scene = grouped(lineage, by)
    assert words in groups.problem
    assert scene.problem in scene.left_out
    assert len(scene.picture.cards) >= 5
    assert not groups.rule or set(groups.rule.values()) == {"kind:model"}


def test_the_nodes_of_a_path_are_grouped_too(lineage):
    """A view that is not made of hops looks its nodes up."""
    view = View(root="a", to="m", group="selector", by="kind:model")
    shown = answer(lineage, view)
    assert groups_of(lineage, view, shown).rule == {"dataset:db:m": "kind:model"}
