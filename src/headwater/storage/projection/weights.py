"""How much a store that writes may keep in memory, and what a cached thing takes, by estimate.

A handle of a store keeps at most ``MOST_BYTES`` of nodes, content and what the projection derives from them,
``MOST_RUN_BYTES`` of the rows of runs, and 96 MiB of decoded parts of events (``READ_BYTES``): together 288 MiB. That
is enough for a platform of some thousand jobs and tables; a small one takes a tenth. Caches shared by all stores of a
process (normal forms of names, readings of short lineage facets, words) take some MiB more. What one batch holds before
its commit comes on top.

Each cache adds up the weights of what it takes in, and starts at 0 when it is emptied. A weight is rounded up, and
things are counted again where caches share them. When a sum exceeds its limit at the end of a batch, everything that it
counts is dropped. What is needed again is read again, which costs less than keeping each cache in the order of its use.
"""

from __future__ import annotations

from headwater.storage.projection.records import Derivation, Fields, Name, Run, SearchText, Statement

MOST_BYTES = 160 << 20
"""The nodes, content and derived objects of one handle. Their number is that of what the platform has."""
MOST_RUN_BYTES = 32 << 20
"""The rows of runs. Their number grows with every run."""
READ_BYTES = {"facets": 40 << 20, "inputs": 32 << 20, "jobs": 10 << 20, "texts": 2 << 20, "last": 12 << 20}
"""The decoded parts of events of one handle, by kind: see ``storage.reader``."""
MOST_TABLE_BYTES = 16 << 20
"""The rows of one table whose rows nothing else refers to between batches."""
ROW = 500
"""A row without long values."""
ENTRY = 300
"""A small object in a cache, with its key."""
DIGEST = 150
"""A digest and the number that stands for it."""
_PAIR = 120
"""A tuple of two numbers in a list."""


def of_name(row: Name) -> int:
    """A name, which is found by its id, by its normal form and by its spellings."""
    return 1200 + 2 * (len(row.namespace) + len(row.name) + len(row.raw_namespace) + len(row.raw_name))


def of_run(row: Run) -> int:
    """A run with its document."""
    return 800 + len(row.doc)


def of_derivation(row: Derivation) -> int:
    """A derivation with its edges."""
    return 500 + _PAIR * len(row.inputs) + 40 * len(row.outputs)


def of_statement(row: Statement) -> int:
    """A statement with its claims."""
    return 500 + _PAIR * len(row.says)


def of_fields(row: Fields) -> int:
    """The fields of a dataset."""
    return 400 + sum(map(len, row.names)) + 60 * len(row.names)


def of_search_text(row: SearchText) -> int:
    """The searchable text of a node."""
    return 500 + sum(map(len, (row.namespace, row.name, row.fields, row.description, row.tags, row.owners)))


def of_content(row: object, encoded: bytes) -> int:
    """Content, given with its encoded form: bytes are kept as they are, and numbers and texts become objects."""
    return ENTRY + (1 if isinstance(row, bytes) else 6) * len(encoded)
