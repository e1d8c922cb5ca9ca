"""Loads settings from keywords, environment, file and defaults, in that order, and records the origin of each.

Environment: ``HEADWATER_<SETTING>`` (nested: ``HEADWATER_TRANSPORT__URL``), then the standard ``OPENLINEAGE_*``
variables. File: ``headwater.toml``, or ``[tool.headwater]`` in ``pyproject.toml``, in the working folder or the nearest
one above it. An unknown setting is an error that suggests similar names, wherever it comes from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from headwater.capture.openlineage_env import standard_settings
from headwater.capture.settings import DOCS, TRANSPORT_DOCS, Settings, setting_types, transport_kinds
from headwater.errors import ConfigError

PREFIX = "HEADWATER_"
_OTHER_VARIABLES = frozenset(
    {
        *("STRICT", "DEBUG", "PARENT_RUN", "TENANT", "AS_OF", "KERNEL"),
        # of the service, which may run in the same environment
        *("HOST", "PORT", "ANONYMOUS", "WORKERS", "LISTEN_URL", "LOG", "OIDC_ISSUER", "OIDC_AUDIENCE"),
    }
)
"""Known ``HEADWATER_*`` names that are not settings of capture."""
_ALIASES = {"URL": "transport.url", "API_KEY": "transport.api_key", "ENDPOINT": "transport.endpoint"}


class Config(NamedTuple):
    """Settings, the origin of each, and the project they apply to."""

    settings: Settings
    origins: dict[str, str]
    """By setting (``transport.url`` for nested ones); settings not listed have their defaults."""
    project: Path
    """The project folder: where the settings file, ``pyproject.toml`` or ``.git`` is; else the working folder."""
    file: Path | None

    @property
    def store(self) -> Path:
        """The folder of the embedded store, the spool and the dead letters.

        Raises:
            ConfigError: the setting is the address of a server, but capture writes to a folder.
        """
        scheme, is_address, rest = self.settings.store.partition("://")
        if is_address and scheme != "sqlite":
            if self.settings.transport.get("kind", "embedded") not in ("embedded", "composite"):
                return self.project / ".headwater"  # lineage is sent: the folder is only for the spool
            # The address is not repeated, because it may contain a password.
            raise ConfigError(
                f"{self.origins.get('store', '')}: store is the address of a {scheme} server; capture needs a folder",
                hint="to send lineage to a service set HEADWATER_URL; 'headwater serve' runs one on a database",
            )
        where = rest.removeprefix("/") if rest.startswith("//") else rest
        path = Path((where if is_address else scheme) or ".headwater").expanduser()
        return path if path.is_absolute() else self.project / path

    @property
    def namespace(self) -> str:
        """The namespace of jobs."""
        return self.settings.namespace or self.project.name or "default"


def load(
    keywords: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Config:
    """Resolve all settings. ``environ`` and ``folder`` default to those of the process.

    Raises:
        ConfigError: a setting is unknown or invalid; the message names it and its origin.
    """
    environ = os.environ if environ is None else environ
    file, project = find_project(working_folder() if folder is None else folder.resolve())
    found: dict[str, tuple[Any, str]] = {}
    if file is not None:
        _merge(found, read_file(file), f"file {file}")
    own = _own_variables(environ)
    for variables in (standard_settings(environ), own):
        _drop_another(found, variables)
        for name, (value, variable) in variables.items():
            _put(found, name, value, f"environment {variable}")
    _merge(found, {k: v for k, v in (keywords or {}).items() if v is not None}, "keyword")
    _leave_key(found, own)
    return Config(_build(found), {name: origin for name, (_, origin) in found.items()}, project, file)


def working_folder() -> Path:
    """The working folder.

    Raises:
        ConfigError: it was deleted, which nothing else here would tell in words.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError("the working folder does not exist any more", hint="change to one that does") from None


# -- files -------------------------------------------------------------------------------------------------------------


def find_project(folder: Path) -> tuple[Path | None, Path]:
    """The settings file that applies to ``folder`` (None if there is none), and the project folder."""
    for parent in (folder, *folder.parents):
        own = parent / "headwater.toml"
        if os.path.isfile(own):  # noqa: PTH113 - not Path.is_file, which raises in a folder of somebody else
            return own, parent
        pyproject = parent / "pyproject.toml"
        if os.path.isfile(pyproject):  # noqa: PTH113 - likewise
            return (pyproject if "headwater" in _tool_tables(pyproject) else None), parent
        if os.path.exists(parent / ".git"):  # noqa: PTH110 - likewise
            return None, parent
    return None, folder


def _tool_tables(pyproject: Path) -> dict[str, Any]:
    try:
        text = pyproject.read_text(encoding="utf-8", errors="replace")
    except OSError:  # a project of somebody else: it may not be read, so it holds no settings for us
        return {}
    if "tool.headwater" not in text:
        return {}
    tools = _parse_toml(pyproject, text).get("tool", {})
    return tools if isinstance(tools, dict) else {}


def read_file(file: Path) -> dict[str, Any]:
    """The settings in a file, not yet checked.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    if file.name == "pyproject.toml":
        table = _tool_tables(file).get("headwater", {})
        return table if isinstance(table, dict) else {}
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", hint="make it readable, or remove it") from None
    return _parse_toml(file, text)


def _parse_toml(file: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}", hint="correct the TOML") from None


# -- environment -------------------------------------------------------------------------------------------------------


def _own_variables(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        rest = variable.removeprefix(PREFIX)
        if rest in _OTHER_VARIABLES or rest.startswith("TEST_"):  # the latter are for our own tests
            continue
        name = _ALIASES.get(rest) or rest.lower().replace("__", ".")
        _refuse_unknown(name, f"environment {variable}")
        if not environ[variable].strip() and not _has_empty_value(name):
            continue
        found[name] = (_from_text(name, environ[variable], variable), variable)
        if rest == "URL":
            found.setdefault("transport.kind", ("http", variable))
    return found


def _has_empty_value(name: str) -> bool:
    """Whether an empty variable is a value (no items, or false). Otherwise it counts as not set: a compose file passes
    on unset variables as empty ones."""
    hint = "" if name.partition(".")[0] == "transport" else str(setting_types()[name])
    return any(kind in hint for kind in ("tuple", "dict", "bool"))


def _from_text(name: str, text: str, variable: str) -> Any:
    """The text of a variable as a value for its setting."""
    if name.startswith("transport."):
        return _literal(text)
    if name == "transport":
        return _literal(text) if text.lstrip().startswith("{") else text
    hint = str(setting_types()[name])
    if "tuple" in hint:
        return [part.strip() for part in text.split(",") if part.strip()]
    if hint.startswith("dict"):
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        return {key.strip(): value.strip() for key, _, value in pairs}
    if "bool" in hint:
        return _boolean(text, variable)
    return text


def _literal(text: str) -> Any:
    """The value if the text is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _boolean(text: str, variable: str) -> bool:
    if text.strip().lower() in {"1", "true", "yes", "on"}:
        return True
    if text.strip().lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ConfigError(f"environment {variable}: {text!r} is neither true nor false", hint="write 1 or 0")


# -- merging and checking ----------------------------------------------------------------------------------------------


def _merge(found: dict[str, tuple[Any, str]], values: Mapping[str, Any], origin: str) -> None:
    for name, value in values.items():
        _put(found, name, value, origin)


def _put(found: dict[str, tuple[Any, str]], name: str, value: Any, origin: str) -> None:
    """Set one setting. ``transport`` as a whole replaces all nested settings of an earlier transport."""
    _refuse_unknown(name, origin)
    if name == "transport":
        for key in [key for key in found if key.startswith("transport.")]:
            del found[key]
        table = value if isinstance(value, Mapping) else {"kind": value}
        for key, part in table.items():
            found[f"transport.{key}"] = (part, origin)
        if "url" in table and "kind" not in table:
            found["transport.kind"] = ("http", origin)
        return
    found[name] = (value, origin)


def _drop_another(found: dict[str, tuple[Any, str]], given: Mapping[str, tuple[Any, str]]) -> None:
    """Forget an earlier transport if the environment names one of another kind."""
    kind = given.get("transport.kind")
    if kind is not None and kind[0] != found.get("transport.kind", kind)[0]:
        for key in [key for key in found if key.startswith("transport.")]:
            del found[key]


def _leave_key(found: dict[str, tuple[Any, str]], own: Mapping[str, tuple[Any, str]]) -> None:
    """Forget ``HEADWATER_API_KEY`` if nothing is sent: then it is meant for questions to a service."""
    key = own.get("transport.api_key")
    if key is None or key[1] != f"{PREFIX}API_KEY":
        return
    kind = found.get("transport.kind", ("http" if "transport.url" in found else "embedded", ""))[0]
    if kind in transport_kinds() and "api_key" not in TRANSPORT_DOCS[kind]:
        found.pop("transport.api_key", None)


def _refuse_unknown(name: str, origin: str) -> None:
    if name in DOCS or name.startswith("transport."):
        return
    raise ConfigError(f"{origin}: there is no setting {name!r}", hint=near_hint(name, DOCS))


def near_hint(name: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """A hint with the known names similar to ``name``, or with all of them."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=3)
    return f"did you mean {', '.join(near)}?" if near else "there are " + ", ".join(sorted(known))


def _build(found: dict[str, tuple[Any, str]]) -> Settings:
    values = {name: value for name, (value, _) in found.items() if "." not in name}
    transport = {name.removeprefix("transport."): value for name, (value, _) in found.items() if "." in name}
    if transport:
        _check_transport(transport, found)
        values["transport"] = transport
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        from headwater.formats.decode_errors import rule_of  # needed for bad input only

        name, rule = rule_of(str(error))
        setting = name.partition("[")[0]
        origin = found.get(setting, (None, "keyword"))[1]
        raise ConfigError(f"{origin}: {name}: {rule}", hint=DOCS.get(setting, "")) from None
    _check_values(settings, found)
    return settings


def _check_transport(transport: dict[str, Any], found: dict[str, tuple[Any, str]]) -> None:
    origin = next(origin for name, (_, origin) in found.items() if name.startswith("transport."))
    kind = transport.setdefault("kind", "http" if "url" in transport else "embedded")
    if kind not in transport_kinds():
        raise ConfigError(
            f"{origin}: transport.kind: there is no transport {kind!r}", hint=near_hint(str(kind), transport_kinds())
        )
    known = {"kind": "", **TRANSPORT_DOCS[kind]}
    for key in transport:
        if key not in known and not (kind == "composite" and "." in key):
            origin = found.get(f"transport.{key}", (None, origin))[1]
            raise ConfigError(
                f"{origin}: the transport {kind!r} has no setting {key!r}", hint=near_hint(key, tuple(known))
            )


def _check_values(settings: Settings, found: dict[str, tuple[Any, str]]) -> None:
    def origin(name: str) -> str:
        return found[name][1] if name in found else "default"

    for name in ("flush_interval_s", "flush_timeout_s", "profile_budget_s", "max_items", "spool_max_bytes"):
        if getattr(settings, name) < 0:
            raise ConfigError(f"{origin(name)}: {name} must not be negative", hint=DOCS[name])
    if settings.integrations or settings.without_integrations:
        from headwater.capture.registry import check_names

        check_names(settings.integrations or (), setting=f"{origin('integrations')}: integrations")
        check_names(settings.without_integrations, setting=f"{origin('without_integrations')}: without_integrations")
    if settings.redact_patterns:
        import re

        for pattern in settings.redact_patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ConfigError(f"{origin('redact_patterns')}: redact_patterns: {pattern!r}: {error}") from None
