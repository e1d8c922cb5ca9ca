"""Versions as nodes, so that symbols and labels defined for nodes apply to them."""

from __future__ import annotations

from headwater.model.graph import Node, NodeKind
from headwater.query.facet_values import Version


def version_node(version: Version) -> Node:
    """Return the version as a node of an answer."""
    return Node(
        id=version.id,
        kind=NodeKind.DATASET_VERSION,
        namespace=version.namespace,
        name=version.name,
        type=version.type,
    )
