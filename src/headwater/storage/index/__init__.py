"""The graph index: walks over integer edges in memory, kept up by sequence number and saved as memory-mapped files.

A store hands its edges over through ``EdgeSource``; ``GraphIndex`` answers. The index knows no names and no SQL, and
can be thrown away at any time: it is built again from the source.
"""

from headwater.storage.index.csr import Edges
from headwater.storage.index.edge_source import (
    IDENTITY_MAPPING,
    NO_MAPPING,
    OPEN_END,
    ColumnMapping,
    EdgeBatch,
    EdgeSource,
    columns,
)
from headwater.storage.index.graph_index import GraphIndex
from headwater.storage.index.walk_result import ColumnReach, Reach

__all__ = [
    "IDENTITY_MAPPING",
    "NO_MAPPING",
    "OPEN_END",
    "ColumnMapping",
    "ColumnReach",
    "EdgeBatch",
    "EdgeSource",
    "Edges",
    "GraphIndex",
    "Reach",
    "columns",
]
