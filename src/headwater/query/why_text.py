"""A trace as text: the prediction, the model, the data, the raw files, and the columns, nearest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headwater.query.facet_values import RunFacts, Version
from headwater.query.importances import importance_words
from headwater.query.instants import Clock, ago, lasted, now
from headwater.query.models import MODEL_TYPES
from headwater.query.names import Labels, short_run
from headwater.query.run_facts_text import key_span, machine_of, pairs, run_facts_words, wrapped
from headwater.query.symbols import UNICODE, state_mark, type_mark, type_style, type_word
from headwater.query.terminal_text import Line, Span, clean, fit, plural
from headwater.query.version_nodes import version_node
from headwater.query.why import Made, ModelFacts, TrailStep, Why

_MOST_RAW = 12
_MOST_WEIGHTS = 8
_MOST_SOURCES = 50
_MOST_ALIKE = 3


def why_lines(why: Why, *, cells: int | None = None, base: str | None = None, clock: Clock = now) -> list[Line]:
    """Return the lines of the answer."""
    text = _WhyText(why, Labels(base, why.graph.nodes), clock())
    return [fit(line, cells) for line in text.lines(cells or 100)]


class _WhyText:
    def __init__(self, why: Why, labels: Labels, current: int) -> None:
        self.why = why
        self.labels = labels
        self.now = current
        self.shown: set[str] = set()
        self.settings: set[tuple[str, str]] = set()
        self.features: set[tuple[str, ...]] = set()

    def lines(self, cells: int) -> Iterator[Line]:
        why = self.why
        yield self._title()
        if why.subject.run is not None:
            models = {model.made.version.id for model in why.models}
            is_predicted = models & set(why.subject.inputs) and why.subject.version.type.upper() not in MODEL_TYPES
            verb = "predicted by" if is_predicted else "made by"
            yield from self._run(verb, why.subject.run, cells)
        for model in why.models:
            yield []
            yield from self._model(model, cells)
        yield from self._data(cells)
        yield from self._sources()
        yield from self._trail(cells)
        if why.gaps:
            yield []
        for gap in why.gaps:
            yield [Span(f"{UNICODE.gap} ", "warn"), Span(clean(gap), "dim")]

    def _title(self) -> Line:
        version = self.why.subject.version
        line = [
            Span(type_mark(version_node(version), UNICODE) + " ", type_style(version_node(version))),
            Span(self._name(version), "root"),
        ]
        if self.why.row is not None:
            line.append(Span(f"#{self.why.row}", "root"))
            of = "" if version.row_count is None else f" of {version.row_count:,}"
            line.append(Span(f"  row {self.why.row:,}{of}, counted from 0", "dim"))
        elif version.row_count is not None:
            line.append(Span("  " + plural(version.row_count, "row"), "dim"))
        line.append(Span(f"{UNICODE.dot}{self._version(version)}", "dim"))
        return line

    def _name(self, version: Version) -> str:
        return self.labels.of(version)

    def _version(self, version: Version) -> str:
        """The version in a few letters: its place in time, and the start of its fingerprint."""
        parts = [f"version {version.ordinal}" if version.ordinal else ""]
        if version.fingerprint:
            parts.append(clean(version.fingerprint.rpartition(":")[2][:10]))
        elif version.version and version.version != version.run_id:
            parts.append(clean(version.version[: 10 if _is_digest(version.version) else 24]))
        return UNICODE.dot.join(part for part in parts if part) or "version unknown"

    # -- parts -----------------------------------------------------------------------------------------------------
    def _run(self, verb: str, run: RunFacts, cells: int) -> Iterator[Line]:
        """The run in full the first time, by name afterwards."""
        mark, style = state_mark(run.state, UNICODE)
        line = [
            key_span(verb),
            Span(f"{UNICODE.job} {clean(self.labels.file(run.job_name))}", "job"),
            Span(f"  run {short_run(run.run_id)}", "dim"),
        ]
        if run.run_id in self.shown:
            yield [*line, Span("  (above)", "dim")]
            return
        self.shown.add(run.run_id)
        took = lasted(run.started_at, run.ended_at)
        when = UNICODE.dot.join(part for part in (ago(run.started_at, self.now), took) if part)
        yield [*line, Span(f"  {mark}", style), Span(f" {when}", "dim")]
        where = machine_of(run)
        is_new = bool(where) and where[0] not in self.shown
        self.shown.update(where)
        yield from run_facts_words(run, self.labels, cells, with_place=is_new)

    def _model(self, model: ModelFacts, cells: int) -> Iterator[Line]:
        version = model.made.version
        words = [type_word(version_node(version)), clean(model.class_name.rpartition(".")[2]), self._version(version)]
        yield [
            key_span(self._role(model)),
            Span(type_mark(version_node(version), UNICODE) + " ", type_style(version_node(version))),
            Span(self._name(version), "name"),
            Span("  " + UNICODE.dot.join(word for word in words if word), "dim"),
        ]
        for name in model.saved_as:
            yield [key_span("saved as"), Span(clean(self.labels.file(name)))]
        if model.steps:
            yield from wrapped("steps", [f" {UNICODE.arrow} ".join(clean(step) for step in model.steps)], cells)
        settings = pairs(self._untold(model))
        if settings:
            yield from wrapped("settings", settings, cells)
        if model.features and not self._is_told(model.features):
            count = plural(len(model.features), "feature")
            first, *rest = [clean(feature) for feature in model.features]
            yield from wrapped("learned from", [f"{count}: {first}", *rest], cells)
            if model.importances is not None:
                yield from wrapped("importance", importance_words(model.importances, _MOST_WEIGHTS), cells)
        if model.made.run is not None:
            yield from self._run("trained by", model.made.run, cells)

    def _role(self, model: ModelFacts) -> str:
        """What a model is to the answer: the one that predicted, or one that it was built on."""
        is_direct = model.made.version.id in self.why.subject.inputs
        word = "model" if model.made.version.type.upper() == "MODEL" else "checkpoint"
        return f"with {word}" if is_direct else "built on"

    def _untold(self, model: ModelFacts) -> dict[str, Any]:
        """The settings not yet shown with an enclosing model (``classifier__alpha`` shows ``alpha``)."""
        telling = _telling(model)
        fresh = {name: value for name, value in telling.items() if (name, str(value)) not in self.settings}
        self.settings.update((name.rpartition("__")[2], str(value)) for name, value in telling.items())
        return fresh

    def _is_told(self, features: Sequence[str]) -> bool:
        """Whether a model with the same features came before."""
        is_told = tuple(features) in self.features
        self.features.add(tuple(features))
        return is_told

    def _data(self, cells: int) -> Iterator[Line]:
        """The versions between the prediction and the raw data, with the runs that made them."""
        key = "from data"
        for shown, rest in map(self._shortened, self._between()):
            if key:
                yield []
            for made in shown:
                yield self._data_line(key, made.version, made)
                key = ""
                if made.run is not None and made.run.run_id not in self.shown:
                    yield from self._run("made by", made.run, cells)
            if rest:
                yield self._earlier(key, rest)
                key = ""

    def _between(self) -> list[list[Made]]:
        """These versions by dataset and job, nearest first."""
        models = {model.made.version.id for model in self.why.models}
        series: dict[tuple[str, str, str], list[Made]] = {}
        for made in self.why.history:
            key = made.version.id
            if made.run is not None and key not in models and key != self.why.subject.version.id:
                series.setdefault(_series(made), []).append(made)
        return list(series.values())

    def _shortened(self, series: list[Made]) -> tuple[list[Made], list[Made]]:
        """The versions to show, and those to count: a job that adds to a log every day made thousands."""
        if len(series) <= _MOST_ALIKE:
            return series, []
        is_shown = _series(series[0]) == _series(self.why.subject)
        return ([], series) if is_shown else (series[:1], series[1:])

    def _earlier(self, key: str, rest: list[Made]) -> Line:
        name, job = self._name(rest[0].version), clean(self.labels.file(_series(rest[0])[2]))
        since = ago(min(made.version.created_at for made in rest), self.now)
        words = f"{plural(len(rest), 'earlier version')} of {name} by {job}, back to {since}: use --json"
        return [key_span(key), Span(f"{UNICODE.more} {words}", "dim")]

    def _data_line(self, key: str, version: Version, made: Made | None = None) -> Line:
        words = [type_word(version_node(version))]
        if version.row_count is not None:
            words.append(plural(version.row_count, "row"))
        words.append(self._version(version))
        line = [
            key_span(key),
            Span(type_mark(version_node(version), UNICODE) + " ", type_style(version_node(version))),
            Span(self._name(version), "name"),
            Span("  " + UNICODE.dot.join(word for word in words if word), "dim"),
        ]
        if place := self.labels.place(version.namespace):
            line.append(Span(f"{UNICODE.dot}{place}", "dim"))
        if made is not None and made.run is not None and made.run.run_id in self.shown:
            line.append(Span(f"  by {clean(self.labels.file(made.run.job_name))}", "dim"))
        return line

    def _sources(self) -> Iterator[Line]:
        for at, version in enumerate(self.why.sources[:_MOST_SOURCES]):
            if not at:
                yield []
            yield self._data_line("raw data" if not at else "", version)
        if len(self.why.sources) > _MOST_SOURCES:
            rest = plural(len(self.why.sources) - _MOST_SOURCES, "more source")
            yield [key_span(""), Span(f"and {rest}: use --json", "dim")]

    def _trail(self, cells: int) -> Iterator[Line]:
        """For each asked column: the raw columns that its values come from, then those that only decide."""
        raw = {version.id: version for version in self.why.sources}
        if not self.why.trail:
            return
        yield []
        for at, column in enumerate(self.why.columns[:_MOST_RAW]):
            found = _raw_columns(self.why.trail, self.why.subject.version.id, column, raw)
            words: list[str] = []
            for key, fields in sorted(found.items()):
                first, *rest = sorted(fields)
                words.extend([f"{self._short(raw[key])}: {first}", *rest])
            if not words:
                words = [f"{self._short_id(step.source)}: {step.source_field}" for step in self.why.trail
                         if step.target_field == column and step.target == self.why.subject.version.id][:4]  # fmt: skip
            if words:
                words[0] = f"{clean(column) or 'all of it'} {UNICODE.value} {words[0]}"
                yield from wrapped("columns" if not at else "", words, cells)
        if len(self.why.columns) > _MOST_RAW:
            yield [key_span(""), Span(f"and {len(self.why.columns) - _MOST_RAW:,} more columns: use --json", "dim")]

    def _short(self, version: Version) -> str:
        name = self._name(version)
        return name.rpartition("/")[2] or name

    def _short_id(self, version_id: str) -> str:
        for made in self.why.history:
            if made.version.id == version_id:
                return self._short(made.version)
        return clean(version_id)


def _series(made: Made) -> tuple[str, str, str]:
    """What versions have in common that one job made of one dataset."""
    return made.version.namespace, made.version.name, made.run.job_name if made.run is not None else ""


def _raw_columns(
    trail: Sequence[TrailStep], start: str, column: str, raw: Mapping[str, Version]
) -> dict[str, set[str]]:
    """The columns of raw versions that a column's values come from, by version."""
    by_target: dict[tuple[str, str], list[TrailStep]] = {}
    for step in trail:
        if step.type != "INDIRECT":
            by_target.setdefault((step.target, step.target_field), []).append(step)
    found: dict[str, set[str]] = {}
    stack, seen = [(start, column)], set()
    while stack:
        place = stack.pop()
        if place in seen:
            continue
        seen.add(place)
        for step in by_target.get(place, []):
            stack.append((step.source, step.source_field))
            if step.source in raw:
                found.setdefault(step.source, set()).add(clean(step.source_field))
    return found


def _telling(model: ModelFacts) -> dict[str, Any]:
    """The settings worth a line: those that say something, the last step of a pipeline before the steps ahead of it."""
    parameters = {
        name: value
        for name, value in model.parameters.items()
        if value is not None and not isinstance(value, list | dict) and not _is_part(name, model)
    }
    steps = model.steps
    return dict(sorted(parameters.items(), key=lambda item: (item[0].partition("__")[0] in steps, _dullness(item[1]))))


def _dullness(value: Any) -> int:
    """Numbers that are not 0 or 1 were mostly chosen by somebody; flags and words mostly by the library."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return 0 if is_number and value not in {0, 1} else 1


def _is_part(name: str, model: ModelFacts) -> bool:
    """Whether a setting only names a step, whose own settings are listed as well."""
    return any(other.startswith(name + "__") for other in model.parameters)


def _is_digest(text: str) -> bool:
    return len(text) >= 16 and all(char in "0123456789abcdef" for char in text)
