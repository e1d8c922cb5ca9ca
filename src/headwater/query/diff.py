"""``Diff``: how two runs, two versions or two instants differ, as a list of differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import msgspec

from headwater.query.code_diff import CodeDiff
from headwater.query.result import Answer, frame

if TYPE_CHECKING:
    import pandas

What = Literal[
    "parameter", "seed", "metric", "code", "environment", "input", "output", "column", "node", "edge", "run", "version"
]
ChangeKind = Literal["added", "removed", "changed", "same"]


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One difference: what differs, its name, and its value before and after.

    ``label`` is the short name of a node; ``note`` adds what the two values do not say.
    """

    what: What
    name: str
    kind: ChangeKind
    label: str = ""
    before: Any = None
    after: Any = None
    note: str = ""


class Diff(Answer, frozen=True, kw_only=True):
    """Two sides and how they differ. ``same`` lists what was compared and is equal; ``of`` is run, version or graph.

    ``code`` is a line-by-line comparison of the source code of the two runs, or of the runs that wrote the two
    versions. ``subject`` names the job or dataset that both sides belong to; ``before_at`` and ``after_at`` are the
    times of the runs or writes (microseconds since the epoch).
    """

    of: Literal["run", "version", "graph"]
    before: str
    after: str
    before_at: int | None = None
    after_at: int | None = None
    subject: str = ""
    differences: tuple[Difference, ...] = ()
    same: tuple[Difference, ...] = ()
    code: CodeDiff | None = None

    def __bool__(self) -> bool:
        """True if anything differs."""
        return bool(self.differences)

    def of_kind(self, what: What) -> tuple[Difference, ...]:
        """Return the differences of one kind of thing, such as ``parameter``."""
        return tuple(item for item in self.differences if item.what == what)

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row per difference: what, name, kind, before, after, note."""
        return [msgspec.structs.asdict(item) for item in self.differences]

    def to_pandas(self) -> pandas.DataFrame:
        """Return one row per difference."""
        found: pandas.DataFrame = frame("pandas", self.rows())
        return found

    def to_text(self, *, cells: int | None = None, base: str | None = None) -> str:
        """Return the answer as text, at most ``cells`` wide."""
        from headwater.query.diff_text import diff_lines
        from headwater.query.terminal_text import plain

        return plain(diff_lines(self, cells=cells, base=base))


def compare(
    what: What, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[list[Difference], list[Difference]]:
    """Return (differences, equal names) of two mappings, ordered by name."""
    differences: list[Difference] = []
    same: list[Difference] = []
    for name in sorted({*before, *after}):
        if name not in before:
            differences.append(Difference(what=what, name=name, kind="added", after=after[name]))
        elif name not in after:
            differences.append(Difference(what=what, name=name, kind="removed", before=before[name]))
        elif before[name] != after[name]:
            differences.append(Difference(what=what, name=name, kind="changed", before=before[name], after=after[name]))
        else:
            same.append(Difference(what=what, name=name, kind="same", before=before[name], after=after[name]))
    return differences, same


class Joined(TypedDict):
    """The two fields of a ``Diff`` that comparisons contribute to."""

    differences: tuple[Difference, ...]
    same: tuple[Difference, ...]


def joined(parts: Sequence[tuple[list[Difference], list[Difference]]]) -> Joined:
    """Return the parts of several comparisons as the two fields of a ``Diff``."""
    return {
        "differences": tuple(item for found, _ in parts for item in found),
        "same": tuple(item for _, equal in parts for item in equal),
    }
