"""The answer to "why this prediction": the trace from its row back to the raw data, as plain values.

The trace follows versions and runs rather than names: the model *version* that predicted, the run that trained it, the
versions that run read, and so on up to versions that no known run wrote.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.query.facet_values import RunFacts, Version
from headwater.query.importances import Importances
from headwater.query.result import Answer, LineageGraph


class TrailStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column edge of the trace: ``target_field`` of ``target`` comes from ``source_field`` of ``source``.

    An empty ``target_field`` is all of the target.
    """

    target: str
    target_field: str
    source: str
    source_field: str
    type: str = "DIRECT"
    subtype: str = ""


class Made(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version, the run that wrote it (None for raw data), and the versions it was made from."""

    version: Version
    run: RunFacts | None = None
    inputs: tuple[str, ...] = ()
    distance: int = 0


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model in the trace: in addition to ``Made``, its class, features and hyper-parameters.

    ``saved_as`` names the files that the model was written to.
    """

    made: Made
    class_name: str = ""
    features: tuple[str, ...] = ()
    importances: Importances | None = None
    parameters: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    steps: tuple[str, ...] = ()
    saved_as: tuple[str, ...] = ()


class Why(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """The trace of ``subject``. ``row`` counts from 0. ``history`` holds every version in the trace, nearest first;
    ``models`` those that are models, ``sources`` those that no known run wrote.

    ``trail`` holds the column edges back to raw columns, and ``gaps`` says what could not be determined.
    """

    question: str
    subject: Made
    row: int | None = None
    columns: tuple[str, ...] = ()
    models: tuple[ModelFacts, ...] = ()
    history: tuple[Made, ...] = ()
    sources: tuple[Version, ...] = ()
    trail: tuple[TrailStep, ...] = ()
    gaps: tuple[str, ...] = ()
    graph: LineageGraph = LineageGraph()

    def to_text(self, *, cells: int | None = None, base: str | None = None) -> str:
        """Return the answer as text, at most ``cells`` wide."""
        from headwater.query.terminal_text import plain
        from headwater.query.why_text import why_lines

        return plain(why_lines(self, cells=cells, base=base))

    def _repr_html_(self) -> str:
        """Return the picture of the trace."""
        return self.graph._repr_html_()
