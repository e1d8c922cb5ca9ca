"""The questions that can be asked about lineage, wherever it is stored.

``LineageAPI`` is implemented twice: by ``headwater.query.lineage.Lineage`` on an open store, and by
``headwater.query.remote.RemoteLineage`` over HTTP. Code that only asks questions takes a ``LineageAPI`` and works with
both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from headwater.query.claims import Claims
    from headwater.query.coverage import Coverage
    from headwater.query.details import Details
    from headwater.query.diff import Diff
    from headwater.query.history import History, RunSummary, SearchResult
    from headwater.query.impact import Change, Impact
    from headwater.query.result import LineageGraph
    from headwater.query.why import Why

AsOf = str | int | None
"""An instant: microseconds since the epoch, or text (``2026-07-01``, ``2h ago``, ``yesterday``, a run id)."""


class LineageAPI(ABC):
    """Questions about the lineage of one tenant.

    Nodes are named as a person would type them (see ``headwater.query.resolve``). Every method raises ``NotFound``,
    with similar names, if a name is unknown, and ``InvalidInput`` if it is ambiguous, or if an option is out of range
    or does not fit what is asked about. ``depth`` counts hops from dataset to dataset and defaults to all of them;
    ``as_of`` asks about the lineage at an earlier instant; ``limit`` keeps the nearest nodes and marks the answer as
    ``truncated``.
    """

    # -- walks -----------------------------------------------------------------------------------------------------
    @abstractmethod
    def upstream(
        self,
        node: str,
        *,
        depth: int | None = None,
        as_of: AsOf = None,
        columns: bool = False,
        kinds: Iterable[str] | None = None,
        level: Literal["dataset", "run"] = "dataset",
        limit: int | None = None,
    ) -> LineageGraph:
        """Return everything that the node was made from.

        A column as ``node``, or ``columns=True``, asks for column edges. ``kinds`` keeps only nodes of these types
        (``model``, ``table``) and connects them directly. ``level="run"`` answers with dataset versions and runs.
        """

    @abstractmethod
    def downstream(
        self,
        node: str,
        *,
        depth: int | None = None,
        as_of: AsOf = None,
        columns: bool = False,
        kinds: Iterable[str] | None = None,
        level: Literal["dataset", "run"] = "dataset",
        limit: int | None = None,
    ) -> LineageGraph:
        """Return everything that was made from the node. The options are those of ``upstream``."""

    @abstractmethod
    def path(self, source: str, target: str, *, as_of: AsOf = None, limit: int = 1) -> LineageGraph:
        """Return up to ``limit`` shortest paths along which data flows from source to target, as one graph.

        If data flows only from target to source, the answer is that path, with a gap that says so. Raises ``NotFound``
        if there is no path.
        """

    @abstractmethod
    def graph(self, expression: str, *, as_of: AsOf = None, limit: int | None = None) -> LineageGraph:
        """Return the nodes that match a selector, at most ``limit`` of them, and the edges between them."""

    @abstractmethod
    def select(self, expression: str, *, as_of: AsOf = None) -> list[str]:
        """Return the sorted ids of the nodes that match a selector, such as ``tag:pii+ & kind:model``."""

    # -- analysis --------------------------------------------------------------------------------------------------
    @abstractmethod
    def impact(
        self,
        node: str,
        *,
        change: Change = "drop",
        depth: int | None = None,
        as_of: AsOf = None,
        limit: int | None = None,
    ) -> Impact:
        """Return what a change to a dataset, or to one of its columns (``raw.csv:radius``), affects downstream."""

    @abstractmethod
    def why(self, prediction: str, *, as_of: AsOf = None) -> Why:
        """Trace a prediction (``preds.csv#17``), a version or a dataset back to its model, run and raw data."""

    @abstractmethod
    def diff(self, before: str, after: str | None = None, *, of: str | None = None) -> Diff:
        """Return how two runs, two versions or two instants differ.

        With one name, of a job or a dataset, its two latest runs or versions are compared. ``of`` limits the comparison
        of two instants to what is upstream of a node.
        """

    # -- objects ---------------------------------------------------------------------------------------------------
    @abstractmethod
    def show(self, node: str, *, as_of: AsOf = None) -> Details:
        """Return everything known about a dataset, version, job or run."""

    @abstractmethod
    def claims(self, job: str) -> Claims:
        """Return the lineage that a job's producer claims next to what our parse of its SQL finds."""

    @abstractmethod
    def search(self, text: str, *, kind: str | None = None, limit: int = 20) -> list[SearchResult]:
        """Return nodes whose name, columns, description, tags or owners match the words, best match first."""

    @abstractmethod
    def history(self, node: str, *, limit: int = 100) -> History:
        """Return the versions of a dataset, or the runs of a job, and every change of its schema and other facets."""

    @abstractmethod
    def runs(self, node: str | None = None, *, state: str | None = None, limit: int = 20) -> list[RunSummary]:
        """Return runs, latest first: those of a job, those that wrote a dataset, or all runs."""

    @abstractmethod
    def record(self, run: str) -> dict[str, Any]:
        """Return the flat record of a run, however the run was reported."""

    @abstractmethod
    def coverage(self) -> Coverage:
        """Return how much of the lineage is known: producers of datasets, evidence of edges, edges with columns."""
