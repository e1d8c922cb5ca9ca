"""Column lineage of a dataset, of one of its columns, or of everything that a job writes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.errors import InvalidInput
from headwater.formats.marquez.graph import FieldData, FieldNode, InputFieldData, Lineage, NodeEdge
from headwater.formats.marquez.requests import NodeId
from headwater.model.graph import WHOLE, Direction, FieldEdge, NodeKind
from headwater.query.columns import ColumnReach, walk_columns
from headwater.query.names import field_id
from headwater.query.walk import Edges
from headwater.server.request import Call
from headwater.server.routes.marquez import facet_fields
from headwater.server.routes.marquez.datasets_shape import transformation_type
from headwater.server.routes.marquez.nodes import Node, find_node
from headwater.server.routes.marquez.operations import Depth, operation
from headwater.server.routes.marquez.runs_shape import version_uuid
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, VersionRow

Column = tuple[int, str]
"""A dataset id and the name of one of its columns."""


class ColumnQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A node, the depth, and whether to go downstream as well."""

    node_id: NodeId
    depth: Depth = 20
    with_downstream: bool = False


def get_column_lineage(call: Call) -> Lineage:
    """The column graph around a node."""
    query: ColumnQuery = call.query
    with call.store() as store:
        root = find_node(store, query.node_id)
        if root.version and query.with_downstream:
            raise InvalidInput(
                field="nodeId", value=query.node_id[:80], rule="must not name a version together with withDownstream"
            )
        edges = Edges(store, root.as_of)
        roots = _roots(store, edges, root)
        ways = [Direction.UPSTREAM, *([Direction.DOWNSTREAM] if query.with_downstream else [])]
        limit = call.service.settings.limits.answer_nodes
        reaches = [walk_columns(edges, roots, way, depth=query.depth, limit=limit) for way in ways]
        nodes = _Columns(store, reaches, root.as_of if root.version else None).nodes()
        is_cut = any(reach.is_truncated for reach in reaches)
        return Lineage(graph=[*nodes], truncated=True if is_cut else msgspec.UNSET)


def _roots(store: Store, edges: Edges, root: Node) -> list[tuple[NodeRow, Sequence[str]]]:
    if root.field:
        return [(root.row, (root.field,))]
    if root.row.kind is NodeKind.DATASET:
        return [(root.row, store.fields(root.row.id))]
    written = sorted({edge.target_id for edge in edges.of_job(root.row.id, Direction.DOWNSTREAM)})
    return [(row, store.fields(row.id)) for row in store.nodes(written) if row.kind is NodeKind.DATASET]


class _Columns:
    """Converts the results of column walks to nodes with edges."""

    def __init__(self, store: Store, reaches: Sequence[ColumnReach], as_of: int | None) -> None:
        self._store = store
        found: dict[Column, dict[Column, dict[FieldEdge, None]]] = {}
        for reach in reaches:
            for (source, target, _), fields in reach.field_edges.items():
                for field in fields:
                    if field.target_field == WHOLE:
                        continue
                    inputs = found.setdefault((target, field.target_field), {})
                    inputs.setdefault((source, field.source_field), {})[field] = None
        ids = sorted({key for column, inputs in found.items() for key, _ in (column, *inputs)})
        self._rows = {row.id: row for row in store.nodes(ids) if not row.is_deleted}
        self._inputs = {
            column: {one: steps for one, steps in inputs.items() if one[0] in self._rows}
            for column, inputs in found.items()
            if column[0] in self._rows
        }
        self._types: dict[int, dict[str, str | None]] = {}
        self._versions: dict[int, VersionRow] = {}
        if as_of is not None:
            self._versions = store.latest_versions(list(self._rows), as_of=as_of)

    def nodes(self) -> list[FieldNode]:
        """The columns with edges, by id."""
        out: dict[Column, list[Column]] = {}
        for column, inputs in self._inputs.items():
            for one in inputs:
                out.setdefault(one, []).append(column)
        columns = {**dict.fromkeys(column for column, inputs in self._inputs.items() if inputs), **dict.fromkeys(out)}
        nodes = []
        for column in columns:
            name = self._id(column)
            # Marquez reverses the edges to the columns that a column depends on, and its pages rely on that.
            sources = [NodeEdge(origin=name, destination=self._id(one)) for one in self._inputs.get(column, ())]
            targets = [NodeEdge(origin=name, destination=self._id(one)) for one in out.get(column, ())]
            data = self._data(column)
            nodes.append(FieldNode(id=name, data=data, in_edges=sources, out_edges=targets))
        return sorted(nodes, key=lambda node: node.id)

    def _id(self, column: Column) -> str:
        text = field_id(self._rows[column[0]], column[1])
        version = self._version(column[0])
        return text if version is None else f"{text}#{version}"

    def _version(self, dataset: int) -> str | None:
        found = self._versions.get(dataset)
        return None if found is None else version_uuid(self._rows[dataset], found)

    def _data(self, column: Column) -> FieldData:
        inputs = [self._input(source, step) for source, steps in self._inputs.get(column, {}).items() for step in steps]
        row = self._rows[column[0]]
        return FieldData(
            namespace=row.namespace,
            dataset=row.name,
            dataset_version=self._version(row.id),
            field=column[1],
            field_type=self._type(row, column[1]),
            transformation_description=inputs[0].transformation_description if inputs else None,
            transformation_type=inputs[0].transformation_type if inputs else None,
            input_fields=inputs,
        )

    def _type(self, row: NodeRow, field: str) -> str | None:
        if row.id not in self._types:
            self._types[row.id] = {one.name: one.type for one in facet_fields.fields(self._store.facets(row.id))}
        return self._types[row.id].get(field)

    def _input(self, column: Column, step: FieldEdge) -> InputFieldData:
        row = self._rows[column[0]]
        return InputFieldData(
            namespace=row.namespace,
            dataset=row.name,
            field=column[1],
            dataset_version=self._version(row.id),
            transformation_description=step.description or None,
            transformation_type=transformation_type(step),
        )


OPERATIONS = (
    operation(
        "GET",
        "/api/v1/column-lineage",
        get_column_lineage,
        "The column graph around a node.",
        query=ColumnQuery,
        answer=Lineage,
    ),
)
