"""What a change would do: every affected node, ranked, with the path that shows why.

``certain`` means that a value flows: an unbroken path of DIRECT column edges for a change of columns, of exact edges
for a change of a whole dataset. ``possible`` means that the path has a link that decides without carrying the value
(filter, join, grouping), that is known only as a whole, or that was inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from headwater.model.graph import Node
from headwater.query.result import frame, json_text, preformatted
from headwater.query.symbols import type_word

if TYPE_CHECKING:
    import pandas

Change = Literal["drop", "retype", "rename", "retire", "delete_rows"]
CHANGES: tuple[Change, ...] = ("drop", "retype", "rename", "retire", "delete_rows")
Certainty = Literal["certain", "possible"]
Severity = Literal["breaks", "changes", "check"]
SEVERITIES: tuple[Severity, ...] = ("breaks", "changes", "check")


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place on a path: a node id, the column there if the path is one of columns, the job that led to it."""

    node: str
    field: str = ""
    job: str = ""


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """One affected node. ``distance`` is in hops, ``fields`` are its columns that take part, ``path`` starts at the
    changed node and ends here."""

    node: Node
    severity: Severity
    certainty: Certainty
    distance: int
    reason: str
    fields: tuple[str, ...] = ()
    path: tuple[Step, ...] = ()


def _is_passing(item: Affected) -> bool:
    return type_word(item.node) == "in memory" and item.distance > 0


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: the changed node and column, the change, and what it affects, worst first.

    ``gaps`` names the edges beyond which the answer knows only "possible".
    """

    root: Node
    field: str
    change: Change
    items: tuple[Affected, ...]
    as_of: int | None = None
    truncated: bool = False
    gaps: tuple[str, ...] = ()

    def lasting(self) -> tuple[Affected, ...]:
        """Return what every form of the answer lists and counts: all but the tables of ``passing``."""
        return tuple(item for item in self.items if not _is_passing(item))

    def passing(self) -> tuple[Affected, ...]:
        """Return the affected tables that live only in memory: on the way to what matters, not the matter itself."""
        return tuple(item for item in self.items if _is_passing(item))

    def counts(self) -> dict[Severity, int]:
        """Return how many nodes of ``lasting`` break, change, or want a check."""
        lasting = self.lasting()
        return {severity: sum(item.severity == severity for item in lasting) for severity in SEVERITIES}

    def of_type(self, *types: str) -> tuple[Affected, ...]:
        """Return the affected nodes of these types (``MODEL``) or kinds (``job``)."""
        wanted = {word.upper() for word in types}
        return tuple(item for item in self.items if {item.node.type.upper(), item.node.kind.value.upper()} & wanted)

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row an affected node."""
        return [
            {
                "id": item.node.id,
                "kind": item.node.kind.value,
                "type": item.node.type,
                "name": item.node.name,
                "severity": item.severity,
                "certainty": item.certainty,
                "distance": item.distance,
                "fields": list(item.fields),
                "reason": item.reason,
                "path": [step.node for step in item.path],
            }
            for item in self.items
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """Return one row an affected node, worst first."""
        found: pandas.DataFrame = frame("pandas", self.rows())
        return found

    def to_json(self) -> str:
        """Return the answer as JSON."""
        return json_text(self)

    def to_text(self, *, cells: int | None = None) -> str:
        """Return the answer as text, at most ``cells`` wide."""
        from headwater.query.impact_text import impact_lines
        from headwater.query.terminal_text import plain

        return plain(impact_lines(self, cells=cells))

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return preformatted(self.to_text())
