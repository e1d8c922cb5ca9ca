"""Highlights in a drawing of a lineage graph: differences between two instants, effects of a change."""

from __future__ import annotations

from typing import Literal

import msgspec

from headwater.model.graph import Edge

Mark = Literal["breaks", "changes", "check", "added", "removed", "changed"]
MaybeMark = Mark | Literal[""]
"""A mark, or "" where nothing stands out."""

MEANINGS: dict[Mark, str] = {
    "breaks": "breaks",
    "changes": "changes",
    "check": "to check",
    "added": "added between the two times",
    "removed": "removed between the two times",
    "changed": "other columns, SQL or code",
}
"""In words, in the order of a legend."""

WORDS: dict[Mark, str] = {mark: "to check" if mark == "check" else mark for mark in MEANINGS}
"""The text next to a name."""

COLOURS: dict[Mark, str] = {
    "breaks": "#c02626",
    "changes": "#8f5a00",
    "check": "#a8480f",
    "added": "#217a3f",
    "removed": "#c02626",
    "changed": "#8f5a00",
}
"""On white, for forms that have one theme. Drawings with two have names for them in their palette."""


class Emphasis(msgspec.Struct, frozen=True, kw_only=True):
    """The marks of nodes by id, and of edges by source, target and job; ``title`` says what they are about.

    ``lines`` are the marks of the lines of a picture by their place, for a line stands for several edges.
    """

    title: str = ""
    nodes: dict[str, Mark] = {}
    edges: dict[tuple[str, str, str], Mark] = {}
    lines: tuple[MaybeMark, ...] = ()

    def of(self, edge: Edge) -> MaybeMark:
        """Return the mark of an edge, "" for none."""
        return self.edges.get((edge.source, edge.target, edge.job), "")

    def drawn(self, edge: Edge) -> MaybeMark:
        """Return the mark of an edge that is drawn with its job as its label: its own, or that of the job."""
        return self.of(edge) or self.nodes.get(edge.job, "")

    def used(self) -> list[Mark]:
        """Return the marks there are, in the order of a legend."""
        found = {*self.nodes.values(), *self.edges.values(), *self.lines}
        return [mark for mark in MEANINGS if mark in found]


PLAIN = Emphasis()
"""Nothing stands out."""
