"""Grouping of the cards of a picture by namespace or by selectors."""

from __future__ import annotations

import re

import msgspec

from headwater.errors import InvalidInput, NotFound
from headwater.query.drawing.grouping import GroupBy
from headwater.query.lineage import Lineage
from headwater.query.selector_parse import parse
from headwater.query.selectors import Chosen, Selector
from headwater.server.rendering.template_filters import sentence
from headwater.server.rendering.views import Shown, View
from headwater.storage.projection import node_sets

_MOST = 20
_SELECTOR = re.compile(r"""(?:'[^']*'|"[^"]*"|[^;\n])+""")
"""Text up to the next semicolon or line end outside of quotes."""


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """The rule by which a picture is grouped, None for no groups; ``problem`` describes an error in it."""

    rule: GroupBy | None = None
    problem: str = ""


def groups_of(lineage: Lineage, view: View, shown: Shown) -> Groups:
    """The grouping of the nodes of a view. A node that matches several selectors belongs to the first.

    An invalid selector groups nothing: the picture is shown, with the error in ``problem``.
    """
    if view.group != "selector":
        return Groups(rule=view.group or None)
    texts = list(dict.fromkeys(text.strip() for text in _SELECTOR.findall(view.by) if text.strip()))
    if not texts:
        return Groups(problem="Say by which selectors: tag:pii; kind:model; +orders")
    if len(texts) > _MOST:
        return Groups(problem=f"{len(texts)} selectors; there may be {_MOST}")
    keys = {key: name for name, key in _keys(lineage, shown).items()}
    shown_keys = node_sets.of(keys)
    selector = Selector(lineage.store, lineage.resolver, lineage.instant(view.as_of or None))
    found: dict[str, str] = {}
    problems: list[str] = []
    for text in texts:
        try:
            named = selector.evaluate(parse(text))
        except (InvalidInput, NotFound) as error:
            problems.append(sentence(f"“{text}” groups nothing: {error}"))
            continue
        rows = list(selector.rows(Chosen(named.nodes & shown_keys, named.check)))
        found |= {keys[row.id]: text for row in rows if keys[row.id] not in found}
        if not rows:
            problems.append(f"No dataset in the picture fits “{text}”.")
    return Groups(rule=found, problem=" ".join(problems))


def _keys(lineage: Lineage, shown: Shown) -> dict[str, int]:
    """The store's keys of the shown datasets, by id. Jobs are grouped with the data that they connect."""
    if shown.keys:
        return shown.keys
    rows = {node.id: lineage.resolver.rows(node.id) for node in shown.graph.datasets()}
    return {key: found[0].id for key, found in rows.items() if found}
