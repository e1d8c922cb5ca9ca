"""Recognises arrow tables and columns, of whatever library, by identity, or by the memory of their columns.

The classes are compiled and cannot be hooked. Methods of a table that compute nothing (``select``, ``rename_columns``,
``append_column``, ``slice``, ``combine_chunks`` of one chunk) keep the memory of its columns, and tables put below each
other keep that of all: such columns are recognised by the address of their buffers. A column with buffers of its own
was computed: if nothing recorded by what, it comes from all other columns, as a guess.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from headwater.capture.recorder import Recorder
from headwater.capture.user_code import user_site
from headwater.capture.values import INFERRED, Columns, Dep, Value, make_value, same_columns

_MAX_ADDRESSES: Final = 10_000
_MAX_CHUNKS: Final = 20_000
"""How many chunks of a table are looked up by their memory."""
_SAMPLE: Final = 64
"""The number of bytes sampled at each of three places in a buffer."""
_MAX_COLUMNS: Final = 500
"""How many columns of a table are recognised by their memory."""

PROVIDERS: Final[deque[Value]] = deque(maxlen=64)
"""The values of the latest objects whose compiled methods hand out tables: datasets, and readers of batches."""

_DATASETS: Final = frozenset(("pyarrow.dataset",))
"""The operations of providers that are asked more than once."""

_Place = tuple[int, int, int]
BY_ADDRESS: Final[dict[_Place, tuple[Value, str]]] = {}
"""The latest columns, as value and name, by the address of the buffer with their data."""


def value_of(recorder: Recorder, table: Any) -> Value | None:
    """The value of a table: by identity, else by the buffers of its columns, else by a dataset with these columns."""
    found = recorder.values.get(table)
    if found is not None or not (BY_ADDRESS or PROVIDERS) or not getattr(table, "num_columns", 0):
        return found
    names = names_of(table) or ()
    most = _MAX_CHUNKS // len(names) or 1
    columns = [_columns_behind(table.column(place), most) for place in range(min(len(names), _MAX_COLUMNS))]
    inputs = tuple(dict.fromkeys(value for known in columns for value, _ in known))
    if not inputs:
        made = provided(names, table.num_rows)
        return recorder.values.bind(table, made) if made is not None else None
    guess = [Dep(position, None, description=INFERRED) for position in range(len(inputs))]
    fields = {
        name: [Dep(inputs.index(value), column, subtype="IDENTITY") for value, column in known] or guess
        for name, known in zip(names, columns, strict=False)
    }
    code, line = user_site(3)
    made = make_value(
        "pyarrow.table", inputs, lambda _: Columns(fields), columns=names, rows=table.num_rows, code=code, line=line
    )
    return recorder.values.bind(table, made)


def provides(value: Value) -> None:
    """Remember the value of an object whose compiled methods hand out tables."""
    PROVIDERS.append(value)


def provided(names: tuple[str, ...], rows: int | None) -> Value | None:
    """A value for an unknown table, which may come from the compiled ``to_table`` or ``head`` of a dataset, or from a
    reader: if exactly one of these has all of its columns, the table comes from that, as a guess; of readers, which
    are used up one after the other, from the latest that has these columns and no others."""
    known = list(PROVIDERS)
    likely = [value for value in known if set(names) <= set(value.column_names())]
    same = [value for value in likely if value.column_names() == names]
    if len(likely) > 1 and len(same) == len(likely) and all(value.op not in _DATASETS for value in same):
        likely = same[-1:]
    if len(likely) != 1:
        return None
    fields = {name: [Dep(0, name, subtype="IDENTITY", description=INFERRED)] for name in names}
    code, line = user_site(4)
    return make_value(
        "pyarrow.table",
        tuple(likely),
        lambda _: Columns(fields),
        columns=names,
        rows=rows,
        code=code,
        line=line,
    )


def _columns_behind(column: Any, most: int) -> list[tuple[Value, str]]:
    """The known columns, as value and name, that have the memory of an arrow column; several if chunks of several
    columns were put together. At most ``most`` chunks are looked at."""
    found = []
    for chunk in _chunks(column)[:most]:
        address = _address(chunk)
        known = BY_ADDRESS.get(address) if address is not None else None
        if known is not None:
            found.append(known)
    return list(dict.fromkeys(found))


def _chunks(column: Any) -> Sequence[Any]:
    return getattr(column, "chunks", None) or ([column] if hasattr(column, "buffers") else [])


def remember(value: Value, names: tuple[str, ...], columns: Iterable[Any]) -> None:
    """Remember that the buffers of these columns belong to ``value``. The first chunk of each column is enough."""
    for name, column in zip(names[:_MAX_COLUMNS], columns, strict=False):
        chunks = _chunks(column)
        address = _address(chunks[0]) if chunks else None
        if address is None:
            continue
        while len(BY_ADDRESS) >= _MAX_ADDRESSES:
            BY_ADDRESS.pop(next(iter(BY_ADDRESS)), None)  # another thread may have dropped it, too
        BY_ADDRESS.pop(address, None)
        BY_ADDRESS[address] = value, name


def _address(array: Any) -> _Place | None:
    """The address and size of the buffer with an array's data, and a hash of some of its bytes, because freed memory is
    reused for other data."""
    buffers = [buffer for buffer in array.buffers() if buffer is not None and buffer.size]
    if not buffers or not getattr(buffers[-1], "is_cpu", True):
        return None
    buffer = buffers[-1]
    starts = (0, max(0, (buffer.size - _SAMPLE) // 2), max(0, buffer.size - _SAMPLE))
    looks = b"".join(buffer.slice(at, min(_SAMPLE, buffer.size)).to_pybytes() for at in starts)
    return buffer.address, buffer.size, hash(looks)


def names_of(table: Any) -> tuple[str, ...] | None:
    """The names of the columns of a table of arrow, or of a frame; None if it has none."""
    schema = getattr(table, "schema", None)
    names = getattr(schema, "names", None)
    if names is None:
        names = getattr(table, "columns", None)
    return tuple(str(name) for name in names) if names is not None else None


def remember_table(value: Value, table: Any) -> None:
    """Remember the buffers of all columns of a table."""
    if hasattr(table, "column_names"):
        remember(value, tuple(table.column_names), (table.column(i) for i in range(table.num_columns)))


def is_column(item: Any) -> bool:
    """Whether an object is a column of arrow, in one piece or several."""
    return hasattr(item, "buffers") or hasattr(item, "chunks")


def column_value(column: Any) -> Value | None:
    """A value for a column that is recognised by its memory."""
    known = _columns_behind(column, _MAX_CHUNKS) if is_column(column) else []
    if not known:
        return None
    name = known[0][1]
    inputs = tuple(dict.fromkeys(value for value, _ in known))
    if inputs[1:] or len(known) > 1:
        deps = [Dep(inputs.index(value), one, subtype="IDENTITY") for value, one in known]
        return make_value("pyarrow.column", inputs, lambda _: Columns({name: deps}), columns=(name,), rows=len(column))
    return make_value("pyarrow.column", inputs, same_columns, columns=(name,), rows=len(column))
