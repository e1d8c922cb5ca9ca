"""Files that a run wrote, read and deleted: whatever was made from them comes from the files' own sources."""

from __future__ import annotations

from typing import Any

import msgspec

_Name = tuple[str, str]
_PLAIN = "IDENTITY"


def through(entries: list[dict[str, Any]], passing: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lineage entries, with each source that is the target of a ``passing`` entry replaced by that entry's
    sources."""
    known = {(entry["namespace"], entry["name"]): entry for entry in passing}
    if not known:
        return entries
    return [_replaced(entry, known) for entry in entries]


def _replaced(entry: dict[str, Any], known: dict[_Name, dict[str, Any]]) -> dict[str, Any]:
    made = {**entry, "inputs": _sources(entry["inputs"], known, 0)}
    if "fields" in entry:
        made["fields"] = {
            name: {**field, "inputs": _sources(field["inputs"], known, 0)} for name, field in entry["fields"].items()
        }
    return made


def _sources(inputs: list[dict[str, Any]], known: dict[_Name, dict[str, Any]], depth: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for source in inputs:
        entry = known.get((source["namespace"], source["name"]))
        if entry is None or depth > len(known):
            found.append(source)
            continue
        name = source.get("field")
        behind = entry["inputs"] if name is None else entry.get("fields", {}).get(name, {}).get("inputs", [])
        found += [_changed(feeder, source) for feeder in _sources(behind, known, depth + 1)]
    return list({msgspec.json.encode(feeder): feeder for feeder in found}.values())


def _changed(source: dict[str, Any], by: dict[str, Any]) -> dict[str, Any]:
    """A source of a deleted file, as a source of what was made from that file: with the second step's transformations
    unless that step only copies."""
    steps = by.get("transformations", [])
    is_plain = all(step.get("subtype") == _PLAIN for step in steps)
    return source if is_plain or "field" not in source else {**source, "transformations": steps}
