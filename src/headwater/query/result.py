"""What answers have in common; ``LineageGraph``, the answer to a graph query: tree, picture, frame, interchange."""

from __future__ import annotations

import sys
import warnings
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from headwater.errors import InvalidInput, MissingExtra
from headwater.model.graph import Graph, Node, NodeKind
from headwater.query.instants import iso_utc

if TYPE_CHECKING:
    import networkx
    import pandas
    import polars

Rows = Literal["nodes", "edges"]
"""What the rows of a frame are."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that has a text form, which a prompt and a notebook show."""

    def to_text(self, *, cells: int | None = None) -> str:
        """Return the answer as text, at most ``cells`` wide."""
        raise NotImplementedError

    def to_json(self) -> str:
        """Return the answer as the JSON document that ``--json`` prints."""
        return json_text(self)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """Return the form that a notebook displays."""
        return f'<pre style="line-height:1.35">{escape(self.to_text())}</pre>'


class LineageGraph(Graph, frozen=True, kw_only=True, omit_defaults=True):
    """A lineage graph that displays itself in terminals and notebooks.

    ``nodes`` are ordered by distance, jobs after the datasets they connect; ``edges`` connect datasets and name their
    job. ``total`` is the number of nodes the walk would reach without a limit. If ``columns`` is true, edges carry
    column edges, and ``properties["fields"]`` of a node lists the columns involved.
    """

    columns: bool = False
    total: int = 0
    level: str = "dataset"

    # -- looking at it ---------------------------------------------------------------------------------------------
    def node(self, node_id: str) -> Node | None:
        """Return the node with that id, or None if it is not part of the answer."""
        return next((node for node in self.nodes if node.id == node_id), None)

    def datasets(self) -> tuple[Node, ...]:
        """Return the nodes that hold data: datasets or dataset versions."""
        return tuple(node for node in self.nodes if node.kind in {NodeKind.DATASET, NodeKind.DATASET_VERSION})

    def jobs(self) -> tuple[Node, ...]:
        """Return the jobs (or runs, at run level) that connect them."""
        return tuple(node for node in self.nodes if node.kind in {NodeKind.JOB, NodeKind.RUN})

    def to_tree(self, *, cells: int | None = None, ascii_only: bool = False) -> str:
        """Return the answer as a text tree, at most ``cells`` wide."""
        from headwater.query.terminal_text import plain
        from headwater.query.tree import TreeStyle, tree

        return plain(tree(self, TreeStyle(cells=cells, ascii_only=ascii_only)))

    def __str__(self) -> str:
        return self.to_tree()

    def __repr__(self) -> str:
        return self.to_tree()

    def _repr_svg_(self) -> str:
        """Return the picture for a notebook."""
        return self.to_svg()

    def _repr_html_(self) -> str:
        """Return the picture in a horizontally scrolling box."""
        return f'<div style="overflow:auto;max-width:100%">{self.to_svg()}</div>'

    def to_svg(self) -> str:
        """Return the answer as a self-contained SVG picture."""
        from headwater.query.drawing.svg import svg

        return svg(self)

    def to_png(self, theme: Literal["light", "dark"] = "light") -> bytes:
        """Return the answer as a PNG file. Warns (``UserWarning``) if it is so large that it had to be scaled down.

        Raises ``MissingExtra`` if the extra ``headwater[png]`` is not installed.
        """
        from headwater.query.drawing.png import png

        drawn = png(self, theme=theme)
        if drawn.note:
            warnings.warn(drawn.note, stacklevel=2)
        return drawn.data

    # -- data ------------------------------------------------------------------------------------------------------
    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row per edge: source, target, job, run, how, columns, valid_from, valid_to."""
        return [
            {
                "source": edge.source,
                "target": edge.target,
                "job": edge.job,
                "run": edge.run,
                "how": edge.how.value,
                "columns": [field.as_text() for field in edge.fields],
                "valid_from": iso_utc(edge.valid_from) if edge.valid_from else None,
                "valid_to": iso_utc(edge.valid_to),
            }
            for edge in self.edges
        ]

    def node_rows(self) -> list[dict[str, Any]]:
        """Return one flat row per node: id, kind, namespace, name, type, state, level, hidden."""
        return [
            {
                "id": node.id,
                "kind": node.kind.value,
                "namespace": node.namespace,
                "name": node.name,
                "type": node.type,
                "state": node.state,
                "level": node.level,
                "hidden": self.hidden.get(node.id, 0),
            }
            for node in self.nodes
        ]

    def to_pandas(self, what: Rows = "nodes") -> pandas.DataFrame:
        """Return the nodes as a pandas frame, in the columns of ``node_rows``, or the edges in those of ``rows``.

        Raises ``MissingExtra`` if pandas is not installed.
        """
        found: pandas.DataFrame = frame("pandas", self._rows_of(what))
        return found

    def to_polars(self, what: Rows = "nodes") -> polars.DataFrame:
        """Return the same as a polars frame."""
        found: polars.DataFrame = frame("polars", self._rows_of(what))
        return found

    def _rows_of(self, what: Rows) -> list[dict[str, Any]]:
        if what not in ("nodes", "edges"):
            raise InvalidInput(field="what", value=str(what), rule="must be 'nodes' or 'edges'")
        return self.rows() if what == "edges" else self.node_rows()

    def to_networkx(self) -> networkx.MultiDiGraph:
        """Return a networkx multigraph: node and edge attributes as in ``node_rows`` and ``rows``.

        Raises ``MissingExtra`` if networkx is not installed.
        """
        try:
            import networkx as nx
        except ImportError:
            raise MissingExtra("to_networkx needs networkx", hint="pip install networkx") from None
        graph = nx.MultiDiGraph()
        for row in self.node_rows():
            graph.add_node(row["id"], **{key: value for key, value in row.items() if key != "id"})
        for row in self.rows():
            graph.add_edge(
                row["source"],
                row["target"],
                **{key: value for key, value in row.items() if key not in {"source", "target"}},
            )
        return graph

    # -- interchange -----------------------------------------------------------------------------------------------
    def to_json(self) -> str:
        """Return the answer as the JSON document that ``--json`` prints."""
        from headwater.formats.graph_json import to_json

        return to_json(self)

    def to_mermaid(self) -> str:
        """Return a Mermaid flowchart."""
        from headwater.formats.mermaid import to_mermaid

        return to_mermaid(self)

    def to_dot(self) -> str:
        """Return a Graphviz digraph."""
        from headwater.formats.dot import to_dot

        return to_dot(self)

    def to_graphml(self) -> str:
        """Return GraphML."""
        from headwater.formats.graphml import to_graphml

        return to_graphml(self)

    def to_prov(self) -> str:
        """Return W3C PROV-JSON."""
        from headwater.formats.prov import to_prov_json

        return to_prov_json(self)


def frame(library: str, rows: list[dict[str, Any]]) -> Any:
    """Return rows as a data frame of ``pandas`` or ``polars``. Raises ``MissingExtra`` if it is not installed."""
    module = sys.modules.get(library)
    if module is None:
        try:
            module = __import__(library)
        except ImportError:
            raise MissingExtra(f"a {library} frame needs {library}", hint=f"pip install {library}") from None
    # polars tells the type of a column from its first hundred rows, which may all be empty
    return module.DataFrame(rows, infer_schema_length=None) if library == "polars" else module.DataFrame(rows)


def to_plain(value: Any) -> Any:
    """Return an answer as plain dicts, lists, strings and numbers, as written by every ``to_json`` of this package."""
    return msgspec.to_builtins(value)


def json_text(value: Any) -> str:
    """Return an answer as indented JSON text, keys in declared order."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
