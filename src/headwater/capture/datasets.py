"""Collects what a run knows about each dataset it touches: type, schema, statistics, fingerprints, inputs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

from headwater.capture.guard import GUARD
from headwater.capture.lineage_facet import Origins
from headwater.capture.values import DatasetRef, Value

DATASET_BUDGET_S: Final = 2.0
"""Processor seconds that profiling may take for one dataset; see ``headwater.capture.profiling``."""


_TICK_NS: Final = 10_000_000
"""A file's time of change may lie that far before the change: file systems tell it in ticks of the kernel's clock."""

_STATE: Final = ("headwater_fingerprint", "version")
"""Facets that tell which state of a dataset was read."""
_MEASURED: Final = "inputFacets"
"""In the state of a value, what the run that read it measured: true of what was read, in other runs too."""


class Touched:
    """One dataset of one run. Facet bodies are collected in ``facets`` (of the dataset), ``input_facets`` and
    ``output_facets``; ``origins`` says what fed it, ``read_before`` how many datasets the run had read before it was
    written."""

    __slots__ = (
        "facets",
        "input_facets",
        "is_changed",
        "is_input",
        "is_open",
        "is_output",
        "is_reported",
        "origins",
        "output_facets",
        "read_before",
        "ref",
        "seen",
    )

    def __init__(self, ref: DatasetRef) -> None:
        self.ref = ref
        self.facets: dict[str, Any] = {}
        self.input_facets: dict[str, Any] = {}
        self.output_facets: dict[str, Any] = {}
        self.origins = Origins(ref)
        self.read_before = 0
        self.is_open = False
        """Whether it is a file that was still being written at the end of the run."""
        self.is_input = False
        self.is_output = False
        self.seen: dict[str, Any] | Value | None = None
        """What was read: its state, or the value that will have it once another run has told it."""
        self.is_changed = True
        self.is_reported = False
        """Whether an event said what fed it, as it is now."""

    def state(self) -> dict[str, Any]:
        """The facets that tell which state of the dataset this is."""
        return {name: self.facets[name] for name in _STATE if name in self.facets}

    def state_as_named(self, run_id: str, *, is_unseen: bool) -> dict[str, Any]:
        """The same once a run has named it. Where nothing tells this state from others, the run does that made it; so
        it does for one that was replaced ``is_unseen``, which is not described."""
        if is_unseen:
            _forget_content(self)
            return {"version": {"datasetVersion": run_id}}
        if not self.state():
            self.facets["version"] = {"datasetVersion": run_id}
        return self.state()

    def facets_as_input(self, *, is_last: bool) -> dict[str, Any]:
        """The facets of the dataset, without those that tell of the state that was written since it was read. In the
        last event with those that the run which made it has told: until then, another state may be used."""
        if not self.is_output:
            seen = self.seen.state if isinstance(self.seen, Value) else self.seen
            facets = {**(seen or {}), **self.facets} if is_last else dict(self.facets)
            facets.pop(_MEASURED, None)
            if self.ref.type == "FILE" and self.ref.namespace == "file":
                del facets["datasetType"]  # who wrote it knows better: it may be a model, or hold predictions
            return facets
        if not self.origins.was_read:
            return self.facets
        return {name: body for name, body in self.facets.items() if name not in _STATE}


class Datasets:
    """The datasets of one run, by name."""

    def __init__(self, *, budget_s: float = DATASET_BUDGET_S, is_profiled: bool = True) -> None:
        self._by_name: dict[tuple[str, str], Touched] = {}
        self._emptied: set[tuple[str, str]] = set()
        self._parts: Counter[tuple[str, ...]] = Counter()
        self._budget_s = budget_s
        self._is_profiled = is_profiled

    def __iter__(self) -> Iterator[Touched]:
        return iter(self._by_name.values())

    def find(self, name: Mapping[str, str]) -> Touched | None:
        """What is known about the dataset that a document with ``namespace`` and ``name`` refers to; None if the run
        did not touch it."""
        return self._by_name.get((name["namespace"], name["name"]))

    def touch(self, ref: DatasetRef) -> Touched:
        """What is known about that dataset; created when it is first touched."""
        touched = self._by_name.get(ref[:2])
        if touched is None:
            touched = self._by_name[ref[:2]] = Touched(ref)
        elif ref.type not in ("FILE", "IN_MEMORY"):
            touched.ref = ref
        touched.is_changed, touched.is_reported = True, False
        touched.facets["datasetType"] = {"datasetType": touched.ref.type}
        return touched

    def read(self, ref: DatasetRef, value: Value | None, snapshot: Any, time_ns: int) -> Touched:
        """A dataset was read at ``time_ns``. Its first read describes it, unless another run of the process handed the
        value over: that run has described it, and what is known of it here is less, and would replace that."""
        touched = self.touch(ref)
        is_described = touched.is_input or (value is not None and value.state is not None)
        touched.is_input = True
        if not touched.is_output:
            touched.origins.was_read = True
        self.read_again(ref)
        if not is_described:
            metrics = self._describe(touched, value, snapshot)
            touched.input_facets.update(metrics)
            self._file(touched, time_ns)
        if value is not None:
            touched.seen = value
            if value.state is None and not touched.is_output and (state := touched.state()):
                value.state = {**state, _MEASURED: dict(touched.input_facets)}
            elif value.state is not None:
                touched.input_facets = {**value.state.get(_MEASURED, {}), **touched.input_facets}
        return touched

    def flowed(self, ref: DatasetRef, used: dict[str, Any] | Value) -> bool:
        """A dataset is in what the run wrote, in this state. Returns whether that is news: another run of the process
        read or made it."""
        state = used.state if isinstance(used, Value) else used
        touched = self._by_name.get(ref[:2])
        if touched is None:
            touched = self.touch(ref)
            touched.is_input, touched.seen = True, state
            return True
        if state is not None:
            touched.seen = state
        return False

    def read_again(self, ref: DatasetRef) -> None:
        """A dataset that is known was read; if the run wrote it, what it had written."""
        touched = self._by_name[ref[:2]]
        touched.origins.is_read_back = touched.origins.is_read_back or touched.is_output

    def number_of_part(self, ref: DatasetRef, sets: Iterable[str]) -> int:
        """How many models of the run, this one included, were fitted on parts of these sets under names like this one:
        the same in every run of the same code."""
        key = (ref.name.rstrip("0123456789_"), *sets)
        self._parts[key] += 1
        return self._parts[key]

    def emptied(self, ref: DatasetRef) -> None:
        """A dataset no longer holds what it held before the run."""
        self._emptied.add(ref[:2])

    def wrote(
        self,
        ref: DatasetRef,
        value: Value | None,
        snapshot: Any,
        read_before: int,
        *,
        is_added: bool = False,
        is_anew: bool = False,
    ) -> Touched:
        """A dataset was written, or named. Its last write describes it."""
        touched = self.touch(ref)
        if is_anew:
            self._begin_anew(touched, ref)
        if touched.is_input and not touched.is_output:  # from here on, its own facets describe what was written
            touched.input_facets.update({name: touched.facets[name] for name in _STATE if name in touched.facets})
        if is_added:
            if not touched.is_output and ref[:2] not in self._emptied:
                touched.origins.is_kept = True
            _forget_content(touched)
        touched.is_output = True
        touched.origins.add(value)
        touched.read_before = read_before
        metrics = self._describe(touched, value, snapshot, is_added=is_added).get("dataQualityMetrics", {})
        statistics = {"rowCount": metrics.get("rowCount")}
        if value is not None and value.rows is not None and statistics["rowCount"] is None and not is_added:
            statistics["rowCount"] = value.rows
        touched.output_facets["outputStatistics"] = {k: v for k, v in statistics.items() if v is not None}
        if metrics:
            touched.facets["dataQualityMetrics"] = metrics
        return touched

    def _begin_anew(self, touched: Touched, ref: DatasetRef) -> None:
        """A dataset is written from the beginning: what the run wrote there before is gone."""
        if touched.is_output and touched.origins.begins_anew():
            touched.ref = ref
            touched.facets = {"datasetType": {"datasetType": ref.type}}

    def written_until_now(self, name: tuple[str, str], read_before: int) -> None:
        """A file that is still open for writing may hold what was read since it was opened."""
        touched = self._by_name.get(name)
        if touched is not None:
            touched.read_before, touched.is_open = read_before, True

    def finish_files(self) -> None:
        """Fingerprint the files that were written, now that nobody writes them any more."""
        for touched in self._by_name.values():
            if touched.is_output:
                self._file(touched)

    def _describe(
        self, touched: Touched, value: Value | None, snapshot: Any, *, is_added: bool = False
    ) -> dict[str, Any]:
        """Put schema and fingerprint into the dataset's facets. Returns the quality metrics, which go to other facets
        for inputs than for outputs."""
        bodies: dict[str, Any] = {}
        if snapshot is not None and self._is_profiled:
            from headwater.capture import profiling

            parts = snapshot if isinstance(snapshot, tuple) else (snapshot,)
            with GUARD.at("profile"):
                found = [profiling.profile_facets(profiling.profile(p, budget_s=self._budget_s)) for p in parts]
                bodies = found[0] if len(found) == 1 else _side_by_side(found)
        if "schema" not in bodies and value is not None and value.column_names():
            names = [name for name in value.column_names() if name != "*"]
            known = touched.facets.get("schema", {}).get("fields", []) if is_added else []
            fresh = [{"name": name} for name in names if all(name != field["name"] for field in known)]
            if known or not touched.origins.is_kept:  # of a table that a few columns are added to, these are not all
                bodies["schema"] = {"fields": [*known, *fresh]}
        metrics = bodies.pop("dataQualityMetrics", None)
        for name, body in bodies.items():
            touched.facets[name] = {**touched.facets.get(name, {}), **body}
        return {"dataQualityMetrics": metrics} if metrics else {}

    def _file(self, touched: Touched, read_ns: int | None = None) -> None:
        """Digest and size of a local file, added to the dataset's fingerprint. Not of one that has been written since
        it was read: what is there now is not what was read."""
        if touched.ref.namespace != "file" or not self._is_profiled:
            return
        path = touched.ref.name
        try:
            changed_ns = os.stat(path).st_mtime_ns  # noqa: PTH116 - on the worker, of a name that may be anything
        except (OSError, ValueError):
            return
        if read_ns is not None and changed_ns > read_ns - _TICK_NS:
            return
        from headwater.capture import profiling

        with GUARD.at("parquet_footer"):
            self._footer(touched, path)
        with GUARD.at("fingerprint_file"):
            found = profiling.fingerprint_file(path)
            known = touched.facets.get("headwater_fingerprint", {})
            body = {"sha256": found.digest, "size_bytes": found.size_bytes}
            touched.facets["headwater_fingerprint"] = {**known, "file": body}
            if touched.is_output:
                statistics = touched.output_facets.setdefault("outputStatistics", {})
                statistics["size"] = found.size_bytes

    def _footer(self, touched: Touched, path: str) -> None:
        """Schema, rows and nulls from the footer of a Parquet file that was not profiled, because its data passed
        through no frame of this process (a scan, a query over files)."""
        side = touched.facets if touched.is_output else touched.input_facets
        if "dataQualityMetrics" in side or not path.endswith((".parquet", ".pq")):
            return
        from headwater.capture.profiling.files import parquet_footer

        footer = parquet_footer(path)
        if footer is None:
            return
        touched.facets["schema"] = {
            "fields": [
                {"name": name, "type": type_, "ordinal_position": at}
                for at, (name, type_) in enumerate(footer["fields"], start=1)
            ]
        }
        side["dataQualityMetrics"] = {
            "rowCount": footer["row_count"],
            "bytes": footer["size_bytes"],
            "columnMetrics": {name: {"nullCount": count} for name, count in footer["null_counts"].items()},
        }
        if touched.is_output:
            touched.output_facets.setdefault("outputStatistics", {})["rowCount"] = footer["row_count"]


def _forget_content(touched: Touched) -> None:
    """Something was added, so that what was known of the content no longer holds."""
    touched.facets.pop("dataQualityMetrics", None)
    touched.facets.pop("headwater_fingerprint", None)


def _side_by_side(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The facets of a dataset whose columns are spread over several objects (X and y): columns and digests combined."""
    by_name: dict[str, dict[str, Any]] = {}
    for part in parts:
        for field in part.get("schema", {}).get("fields", []):
            by_name.setdefault(field["name"], field)  # an index that both have is one column
    fields = [{**field, "ordinal_position": at} for at, field in enumerate(by_name.values(), start=1)]
    metrics = [part.get("dataQualityMetrics", {}) for part in parts]
    prints = [part.get("headwater_fingerprint", {}) for part in parts]
    bodies: dict[str, Any] = {
        "schema": {"fields": fields},
        "dataQualityMetrics": {
            **metrics[0],
            "columnMetrics": {name: m for part in metrics for name, m in part.get("columnMetrics", {}).items()},
        },
    }
    if all("exact" in item for item in prints):
        bodies["headwater_fingerprint"] = {
            **prints[0],
            "columns": {name: digest for item in prints for name, digest in item.get("columns", {}).items()},
            **{form: _joined([item[form] for item in prints]) for form in ("exact", "schema") if form in prints[0]},
        }
        # Reordering the rows of one part alone changes the whole, but no order-insensitive digest of a part.
        bodies["headwater_fingerprint"].pop("multiset", None)
    return bodies


def _joined(digests: list[str]) -> str:
    return blake2b("".join(digests).encode(), digest_size=16).hexdigest()
