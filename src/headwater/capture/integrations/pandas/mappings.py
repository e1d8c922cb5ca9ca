"""Dictionaries and indexes given to pandas: what they were made from is read from the code, as neither is followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from headwater.capture.recorder import looked_up_here, masked_here
from headwater.capture.values import NOTHING, Value


def looked_up_in(mapping: Any, method: str) -> Iterator[Value]:
    """What a dictionary given to ``map`` or ``replace`` was made from, as far as the code shows: the means of
    ``series.map(train.groupby("city").price.mean().to_dict())``."""
    value = looked_up_here(method, mapping) if isinstance(mapping, dict) else None
    if value is not None and NOTHING not in value.inputs:
        yield value


def chosen_by(index: Any, method: str) -> Iterator[Value]:
    """What decides about the rows that an index given to a method stands for, as far as the code shows."""
    value = masked_here(method) if isinstance(index, pd.Index) else None
    if value is not None and NOTHING not in value.inputs:
        yield value
