"""The facts of a run as text: its command, code, tags, parameters, seeds, metrics and machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headwater.query.facet_values import RunFacts
from headwater.query.names import Labels
from headwater.query.selectors import tag_label
from headwater.query.symbols import UNICODE
from headwater.query.terminal_text import Line, Span, clean, elide, pad, plural

_KEY = 14


def run_facts_words(run: RunFacts, labels: Labels, cells: int, *, with_place: bool = True) -> Iterator[Line]:
    """Return code, tags, parameters, seeds, metrics and machine of a run, a line or more each."""
    facts = (
        ("command", [elide(clean(run.command), cells - _KEY - 4)] if " " in run.command else []),
        ("code", _code(run, labels)),
        ("tags", [elide(clean(tag_label(key, value)), 40) for key, value in run.tags.items()]),
        ("parameters", pairs(run.parameters)),
        ("seeds", _seeds(run)),
        ("metrics", pairs(_last_metrics(run))),
        ("on", machine_of(run) if with_place else []),
    )
    for key, words in facts:
        yield from wrapped(key, words, cells)


def key_span(word: str) -> Span:
    """The name of a fact, at the left."""
    return Span("  " + pad(word, _KEY), "dim")


def wrapped(key: str, words: Sequence[str], cells: int) -> Iterator[Line]:
    """A fact over as many lines as it needs, at most three."""
    room = max(20, cells - _KEY - 4)
    rows: list[str] = []
    for word in words:
        if rows and len(rows[-1]) + 2 + len(word) <= room:
            rows[-1] += ", " + word
        else:
            rows.append(word)
    for at, row in enumerate(rows[:3]):
        is_cut = at == 2 and len(rows) > 3
        text = elide(row, room)
        yield [key_span(key if not at else ""), Span(text + (" …" if is_cut else ""), "value")]


def pairs(values: Mapping[str, Any]) -> list[str]:
    """Names and values, each as ``name=value``."""
    return [f"{clean(name)}={_value(value)}" for name, value in values.items()]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return elide(clean(value), 40)


def _last_metrics(run: RunFacts) -> dict[str, Any]:
    return {metric.name: metric.value for metric in run.metrics}


def _seeds(run: RunFacts) -> list[str]:
    words = []
    for seed in run.seeds:
        value = "not set" if seed.value is None else str(seed.value)
        words.append(clean(f"{seed.library} {seed.scope}".strip() + f"={value}"))
    return list(dict.fromkeys(words))


def _code(run: RunFacts, labels: Labels) -> list[str]:
    code = run.code
    parts = [clean(labels.file(code.path))] if code.path else []
    if code.sha256:
        parts.append(f"sha256 {clean(code.sha256[:10])}")
    if code.commit:
        branch = f" on {clean(code.branch)}" if code.branch else ""
        dirty = " with uncommitted changes" if code.is_dirty else ""
        parts.append(f"git {clean(code.commit[:10])}{branch}{dirty}")
    return [UNICODE.dot.join(parts)] if parts else []


def machine_of(run: RunFacts) -> list[str]:
    """Who ran it, and in which environment: one text, or none."""
    environment = run.environment
    parts: list[str] = []
    who = "@".join(part for part in (environment.user, environment.host) if part)
    if who:
        parts.append(clean(who))
    if environment.python:
        parts.append(f"Python {clean(environment.python)}")
    if environment.packages:
        parts.append(plural(len(environment.packages), "package"))
    if environment.sha256:
        parts.append(f"environment {clean(environment.sha256[:10])}")
    return [UNICODE.dot.join(parts)] if parts else []
