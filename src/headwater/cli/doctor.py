"""``headwater doctor``: checks the installation and reports what is missing or wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version

import click
import msgspec

from headwater.cli.open_store import SET_ASIDE, opened, target
from headwater.cli.output import echo, echo_text, format_options
from headwater.errors import HeadwaterError, NoLineage
from headwater.model.uris import without_password
from headwater.query.symbols import UNICODE
from headwater.query.terminal_text import Span, Style, clean, pad, plural
from headwater.storage.open import POSTGRES, outdated_store
from headwater.storage.view_rebuild import Outdated

_SIGNS: dict[str, tuple[str, Style]] = {
    "ok": (UNICODE.good, "good"),
    "note": ("·", "dim"),
    "problem": (UNICODE.bad, "bad"),
}


_TIMEOUT_S = 10.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check: ``level`` is ok, note or problem."""

    level: str
    what: str
    message: str


@click.command()
@format_options("json")
@click.pass_context
def doctor(ctx: click.Context, output: str | None) -> None:
    """Check the installation, the settings, the store and the integrations; exit with 1 on a problem."""
    findings = [*_installation(), *_settings(), *_store(ctx), *_integrations()]
    if output == "json":
        from headwater.query.result import json_text

        echo_text(json_text(findings))
    else:
        echo(
            [
                Span(f"{_SIGNS[one.level][0]} ", _SIGNS[one.level][1]),
                Span(pad(one.what, 20), "name"),
                Span(clean(one.message), "dim" if one.level != "problem" else "bad"),
            ]
            for one in findings
        )
    if any(one.level == "problem" for one in findings):
        ctx.exit(1)


def _installation() -> Iterator[Finding]:
    yield Finding(level="ok", what="headwater", message=f"{version('headwater')} on Python {sys.version.split()[0]}")
    for library in ("msgspec", "numpy", "sqlglot", "zstandard", "xxhash"):
        try:
            yield Finding(level="ok", what=library, message=version(library))
        except PackageNotFoundError:
            yield Finding(level="problem", what=library, message=f"is not installed: pip install {library}")


def _settings() -> Iterator[Finding]:
    from headwater.capture.config import load

    try:
        config = load()
    except HeadwaterError as error:
        yield Finding(level="problem", what="settings", message=str(error))
        return
    yield Finding(level="ok", what="settings", message=str(config.file or "none: the defaults hold"))


def _store(ctx: click.Context) -> Iterator[Finding]:
    where = target(ctx.find_root().obj)
    if where.startswith(("http://", "https://")):
        yield _service(where)
        return
    try:
        if (behind := outdated_store(where, ctx.find_root().obj.tenant)) is not None:
            yield Finding(level="note", what="store", message=_behind(where, behind))
            return
        with opened(ctx) as store:
            tally = store.tally()
            index = store.index("dataset")
            kernel = index.kernel
    except HeadwaterError as error:
        level = "note" if isinstance(error, NoLineage) else "problem"
        yield Finding(level=level, what="store", message=str(error))
        return
    counts = f"{plural(tally.events, 'event')}, {plural(tally.runs, 'run')}"
    yield Finding(level="ok", what="store", message=f"{without_password(where)}: {counts}")
    if where.startswith(POSTGRES):
        yield from _postgres(where)
    yield _kernel(kernel)
    if tally.set_aside:
        yield Finding(level="note", what="events set aside", message=f"{tally.set_aside:,}: {SET_ASIDE}")
    if tally.quarantined:
        yield Finding(
            level="note", what="refused events", message=f"{tally.quarantined:,}: 'headwater store info' says why"
        )


def _kernel(name: str) -> Finding:
    if name == "compiled":
        return Finding(level="ok", what="graph index", message=name)
    from headwater.storage.index.kernels import has_compiled  # imports numpy

    slower = f"{name}: large walks take several times as long as with the compiled kernel"
    missing = "install a C compiler and the headers of Python, then Headwater again"
    remedy = "it is installed: unset HEADWATER_KERNEL" if has_compiled() else missing
    return Finding(level="note", what="graph index", message=f"{slower}; {remedy}")


def _behind(where: str, behind: Outdated) -> str:
    """Report on a store that opening would upgrade, without opening it."""
    return (
        f"{without_password(where)}: written by an earlier version; its views are rebuilt from"
        f" {plural(behind.left, 'event')} when it is next opened, or by 'headwater migrate'"
    )


def _service(url: str) -> Finding:
    """Check that the service used as the store is ready."""
    from headwater.server.health_client import ask_health

    try:
        found = ask_health(url, timeout_s=_TIMEOUT_S)
    except HeadwaterError as error:
        return Finding(level="problem", what="store", message=str(error))
    bad = "; ".join(f"{check.name}: {check.message}" for check in found.checks if not check.is_good)
    level = "ok" if found.is_ready else "problem"
    return Finding(level=level, what="store", message=f"the service at {without_password(url)}: {bad or 'ready'}")


def _postgres(url: str) -> Iterator[Finding]:
    """Check the database of a store, and that it isolates tenants."""
    from headwater.storage.postgres.server_facts import facts

    found = facts(url)
    level = "note" if found.is_standby or found.step != found.steps else "ok"
    standby = ", a standby: it cannot be written" if found.is_standby else ""
    message = f"{found.server}, schema step {found.step} of {found.steps}{standby}"
    yield Finding(level=level, what="PostgreSQL", message=message)
    if found.is_isolated and not found.unprotected:
        message = f"row-level security on every table, and {found.role} cannot look past it"
        yield Finding(level="ok", what="tenants", message=message)
    elif found.unprotected:
        names = ", ".join(found.unprotected)
        yield Finding(level="problem", what="tenants", message=f"no row-level security on {names}: 'headwater migrate'")
    else:
        message = f"{found.role} looks past row-level security: run 'headwater migrate' as a role that may create roles"
        yield Finding(level="problem", what="tenants", message=message)
    used = found.connections / max(1, found.max_connections)
    message = f"{found.connections} of {found.max_connections} in use"
    yield Finding(level="note" if used > 0.8 else "ok", what="connections", message=message)
    for name, extension in (("TimescaleDB", found.timescaledb), ("Citus", found.citus)):
        message = f"{extension.version}, {'used' if extension.is_used else 'not used: the tables were made without it'}"
        if not extension.version:
            message = "available, not installed in this database" if extension.is_available else "not there; not needed"
        yield Finding(level="ok" if extension.is_used else "note", what=name, message=message)


def _integrations() -> Iterator[Finding]:
    """The installed libraries and their versions, and which are not followed, with the reason."""
    from headwater.capture.registry import INTEGRATIONS, too_old

    switched_off = _switched_off()
    for name, trigger in INTEGRATIONS.items():
        found = _version_of(trigger)
        if found is None:
            yield Finding(level="note", what=name, message=f"{trigger} is not installed")
        elif why := switched_off.get(name) or too_old(name, found):
            yield Finding(level="note", what=name, message=f"off: {why}")
        else:
            yield Finding(level="ok", what=name, message=found)


def _switched_off() -> dict[str, str]:
    """The integrations that are disabled by settings, with the setting."""
    from headwater.capture.config import load
    from headwater.capture.registry import INTEGRATIONS

    try:
        settings = load().settings
    except HeadwaterError:  # already reported
        return {}
    only = settings.integrations
    found = dict.fromkeys(settings.without_integrations, "switched off by the setting without_integrations")
    if only is not None:
        found |= {name: "the setting integrations does not name it" for name in INTEGRATIONS if name not in only}
    return found


def _version_of(module: str) -> str | None:
    """The version of a library from its package metadata, without importing it."""
    if module in sys.builtin_module_names or module in sys.stdlib_module_names:
        return "part of Python"
    for name in (*_packages().get(module, ()), module):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


@cache
def _packages() -> Mapping[str, list[str]]:
    """The packages that provide each module: scikit-learn for ``sklearn``, one of several for ``psycopg2``."""
    return packages_distributions()
