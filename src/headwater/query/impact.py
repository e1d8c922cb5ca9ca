"""The answer to "what would this change affect": every affected node, ranked, with the path to it.

``certain`` means that a value flows: the path consists of DIRECT column edges (if a column changes) or exact edges (if
a whole dataset changes). ``possible`` means that some link of the path only influences the result (filter, join,
grouping), is not known by column, or was inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from headwater.model.graph import Node
from headwater.query.result import Answer, frame
from headwater.query.symbols import type_word

if TYPE_CHECKING:
    import pandas

Change = Literal["drop", "retype", "rename", "retire", "delete_rows"]
CHANGES: tuple[Change, ...] = ("drop", "retype", "rename", "retire", "delete_rows")
Certainty = Literal["certain", "possible"]
Severity = Literal["breaks", "changes", "check"]
SEVERITIES: tuple[Severity, ...] = ("breaks", "changes", "check")


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of a path: a node id, its column if the path follows columns, and the job that leads to it."""

    node: str
    field: str = ""
    job: str = ""


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """One affected node. ``distance`` is in hops, ``fields`` are its affected columns.

    ``path`` leads from the changed node to this one.
    """

    node: Node
    severity: Severity
    certainty: Certainty
    distance: int
    reason: str
    fields: tuple[str, ...] = ()
    path: tuple[Step, ...] = ()


def _is_passing(item: Affected) -> bool:
    return type_word(item.node) == "in memory" and item.distance > 0


class Impact(Answer, frozen=True, kw_only=True):
    """The changed node and column, the change, and the affected nodes, worst first.

    ``gaps`` names the edges beyond which the impact is only possible.
    """

    root: Node
    field: str
    change: Change
    items: tuple[Affected, ...]
    as_of: int | None = None
    truncated: bool = False
    gaps: tuple[str, ...] = ()

    def lasting(self) -> tuple[Affected, ...]:
        """Return the affected nodes that reports list and count: all except the tables of ``passing``."""
        return tuple(item for item in self.items if not _is_passing(item))

    def passing(self) -> tuple[Affected, ...]:
        """Return the affected tables that exist only in memory, as intermediate steps."""
        return tuple(item for item in self.items if _is_passing(item))

    def counts(self) -> dict[Severity, int]:
        """Return how many nodes of ``lasting`` break, change, or need a check."""
        lasting = self.lasting()
        return {severity: sum(item.severity == severity for item in lasting) for severity in SEVERITIES}

    def of_type(self, *types: str) -> tuple[Affected, ...]:
        """Return the affected nodes of these types (``MODEL``) or kinds (``job``)."""
        wanted = {word.upper() for word in types}
        return tuple(item for item in self.items if {item.node.type.upper(), item.node.kind.value.upper()} & wanted)

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row per affected node."""
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
        """Return one row per affected node, worst first."""
        found: pandas.DataFrame = frame("pandas", self.rows())
        return found

    def to_text(self, *, cells: int | None = None) -> str:
        """Return the answer as text, at most ``cells`` wide."""
        from headwater.query.impact_text import impact_lines
        from headwater.query.terminal_text import plain

        return plain(impact_lines(self, cells=cells))
