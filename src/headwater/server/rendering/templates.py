"""The template environment: output is always escaped, and an undefined variable is an error."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from headwater.model.short_digests import ShortDigests
from headwater.query.impact_text import passing_words, verdict_words
from headwater.query.names import short_run
from headwater.query.terminal_text import plural
from headwater.server.rendering import template_filters
from headwater.server.rendering.assets import assets
from headwater.server.rendering.inspector import DEEDS, how_words, severities


@cache
def environment() -> Environment:
    """The templates under ``server/pages``, with our filters (``words``) and ``asset(path)``, ``modules(path)``."""
    made = Environment(
        loader=PackageLoader("headwater.server", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for filter_ in (
        template_filters.both_ends,
        template_filters.breakable,
        template_filters.segment,
        template_filters.object_path,
        template_filters.when,
        template_filters.machine_time,
        template_filters.since,
        template_filters.duration,
        template_filters.span,
        template_filters.share,
        template_filters.plain,
        template_filters.measure,
        template_filters.pretty,
        template_filters.sentence,
        template_filters.size,
        template_filters.number,
    ):
        made.filters[filter_.__name__] = filter_
    made.filters["short_run"] = short_run
    made.filters["short_digest"] = ShortDigests().of
    made.filters["plural"] = plural
    made.filters["how_words"] = how_words
    made.globals.update(asset=assets().url, modules=assets().modules)
    made.globals.update(verdict_words=verdict_words, passing_words=passing_words, severities=severities, deeds=DEEDS)
    return made
