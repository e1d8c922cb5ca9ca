"""What axe finds wrong with a page against WCAG 2.2 A and AA."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_OF_COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules among those of the tags that look at colours: all others find the same in every theme."""

Wrong = list[tuple[str, str, list[tuple[Any, str]]]]


def wrong(page: Page) -> Wrong:
    """What is wrong with a page as it is: theme, rule, and the first elements with what to mend."""
    return _found(page, "now", {"runOnly": {"type": "tag", "values": _TAGS}})


def wrong_in_both_themes(page: Page) -> Wrong:
    """What is wrong with a page in the light theme, and then with its colours in the dark one."""
    page.emulate_media(color_scheme="light")
    light = _found(page, "light", {"runOnly": {"type": "tag", "values": _TAGS}})
    page.emulate_media(color_scheme="dark")
    return light + _found(page, "dark", {"runOnly": {"type": "rule", "values": _OF_COLOURS}})


def _found(page: Page, theme: str, rules: dict[str, Any]) -> Wrong:
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    # What is right need not be told of every element: that takes longer than to find it.
    run = "options => axe.run(document, options).then(results => results.violations)"
    found = page.evaluate(run, {**rules, "resultTypes": ["violations"]})
    return [
        (theme, one["id"], [(node["target"], node["failureSummary"]) for node in one["nodes"][:3]]) for one in found
    ]
