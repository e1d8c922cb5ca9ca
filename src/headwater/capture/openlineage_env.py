"""Reads the standard ``OPENLINEAGE_*`` variables as our settings.

``OPENLINEAGE_URL`` / ``_ENDPOINT`` / ``_API_KEY`` / ``_NAMESPACE`` / ``_DISABLED``, and the nested form
``OPENLINEAGE__TRANSPORT__<KEY>`` or ``OPENLINEAGE__TRANSPORT`` as one JSON document. Variables for other features
(filters, facets) are ignored: they configure other producers in the same process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from headwater.errors import ConfigError

_NESTED: Final = "OPENLINEAGE__TRANSPORT"
_KINDS: Final = {
    "http": "http",
    "async_http": "http",
    "console": "console",
    "file": "file",
    "noop": "discard",
    "composite": "composite",
}
_KEYS: Final = {
    "url": "url",
    "endpoint": "endpoint",
    "compression": "compression",
    "timeout": "timeout_s",
    "verify": "verify",
    "custom_headers": "headers",
    "log_file_path": "path",
    "continue_on_failure": "continue_on_failure",
}


def standard_settings(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    """Settings by name, each with the variable it comes from."""
    found: dict[str, tuple[Any, str]] = {}
    if environ.get("OPENLINEAGE_DISABLED", "").strip().lower() in {"true", "1"}:
        found["disabled"] = (True, "OPENLINEAGE_DISABLED")
    if environ.get("OPENLINEAGE_NAMESPACE"):
        found["namespace"] = (environ["OPENLINEAGE_NAMESPACE"], "OPENLINEAGE_NAMESPACE")
    nested = _nested(environ)
    if nested:
        for key, value in as_transport(nested).items():
            found[f"transport.{key}"] = (value, _NESTED)
    elif environ.get("OPENLINEAGE_URL"):
        found["transport.kind"] = ("http", "OPENLINEAGE_URL")
        for key in ("url", "endpoint", "api_key"):
            variable = "OPENLINEAGE_" + key.upper()
            if environ.get(variable):
                found[f"transport.{key}"] = (environ[variable], variable)
    return found


def _nested(environ: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    whole = environ.get(_NESTED)
    if whole:
        try:
            tree = json.loads(whole)
        except ValueError as error:
            raise ConfigError(f"environment {_NESTED}: {error}", hint="it must be one JSON object") from None
        if not isinstance(tree, dict):
            raise ConfigError(f"environment {_NESTED}: it must be one JSON object")
    for variable in sorted(name for name in environ if name.startswith(_NESTED + "__")):
        keys = variable.removeprefix(_NESTED + "__").lower().split("__")
        place = tree
        for key in keys[:-1]:
            if not isinstance(place.get(key), dict):
                place[key] = {}
            place = place[key]
        place[keys[-1]] = _value(environ[variable])
    return tree


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def as_transport(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A transport in the standard client's configuration as our settings.

    Raises:
        ConfigError: the type of the transport is not supported.
    """
    kind = str(tree.get("type", "http" if "url" in tree else "console"))
    if kind not in _KINDS:
        raise ConfigError(
            f"environment {_NESTED}__TYPE: the transport {kind!r} is not served here",
            hint="use one of " + ", ".join(sorted(_KINDS)),
        )
    ours: dict[str, Any] = {"kind": _KINDS[kind]}
    for key, value in tree.items():
        if key in _KEYS:
            ours[_KEYS[key]] = value
        elif key == "auth" and isinstance(value, Mapping):
            ours["api_key"] = value.get("apiKey") or value.get("api_key") or value.get("apikey") or ""
        elif key == "retry" and isinstance(value, Mapping) and "total" in value:
            ours["retries"] = value["total"]
        elif key == "transports":
            parts = value.values() if isinstance(value, Mapping) else value
            ours["transports"] = [as_transport(part) for part in parts]
    return ours
