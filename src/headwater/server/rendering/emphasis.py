"""Highlights in exported pictures of a view, as on the page."""

from __future__ import annotations

from typing import cast

from headwater.model.emphasis import Emphasis, Mark, MaybeMark
from headwater.query.impact import Impact
from headwater.query.impact_text import verdict_words
from headwater.query.lineage import Lineage
from headwater.query.names import Labels
from headwater.query.terminal_text import clean, elide
from headwater.server.rendering.inspector import DEEDS, severities
from headwater.server.rendering.scene import Scene
from headwater.server.rendering.template_filters import when
from headwater.server.rendering.views import Shown, View


def emphasis_of(lineage: Lineage, view: View, shown: Shown, scene: Scene, impact: Impact | None) -> Emphasis:
    """The highlights of a view: what a change breaks, or else what differs between two instants, as stated in the
    title."""
    marks = {**shown.changes, **(severities(impact) if impact else {})}
    return Emphasis(
        title=_title(lineage, view, scene, impact),
        nodes=cast("dict[str, Mark]", marks),
        edges=cast("dict[tuple[str, str, str], Mark]", shown.edge_changes),
        lines=cast("tuple[MaybeMark, ...]", scene.link_changes),
    )


def _title(lineage: Lineage, view: View, scene: Scene, impact: Impact | None) -> str:
    if impact:
        what = f"{elide(clean(impact.field), 60)} of " if impact.field else ""
        verdict = ", ".join(words for _, words in verdict_words(impact)) or "nothing is known to be affected"
        return f"If {what}{elide(Labels().of(impact.root), 60)} {DEEDS[impact.change]}: {verdict}"
    instants = [_instant(lineage, text) for text in (view.against, view.as_of)]
    if view.against:
        return f"Between {instants[0]} and {instants[1] or 'now'}: {scene.differences}"
    return f"As of {instants[1]}" if instants[1] else ""


def _instant(lineage: Lineage, text: str) -> str:
    instant = lineage.instant(text or None)
    return f"{when(instant)} UTC" if instant is not None else ""
