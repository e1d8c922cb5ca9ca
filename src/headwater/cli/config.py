"""``headwater config``: the settings, and where each came from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.commands import Suggesting

if TYPE_CHECKING:
    from headwater.capture.config import Config


@click.group("config", cls=Suggesting)
def config() -> None:
    """Show the settings, and where each came from."""


@config.command("show")
@click.option("--origin", is_flag=True, help="Show where each value came from.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def show(ctx: click.Context, origin: bool, as_json: bool) -> None:
    """Show every setting. Secrets are masked."""
    rows = setting_rows(getattr(ctx.find_root().obj, "store", None))
    if as_json:
        click.echo(json.dumps(rows if origin else {row["setting"]: row["value"] for row in rows}, indent=2))
        return
    width = max(len(row["setting"]) for row in rows)
    for row in rows:
        shown = "all" if row["setting"] == "integrations" and row["value"] is None else _shown(row["value"])
        line = f"{row['setting']:{width}}  {shown}"
        click.echo(f"{line}  ({row['origin']})" if origin else line)


@config.command("path")
def path() -> None:
    """Print the settings file in use; nothing, and exit code 1, if there is none."""
    from headwater.capture.config import load

    file = load().file
    if file is None:
        click.echo("no headwater.toml and no [tool.headwater] in pyproject.toml, here or above", err=True)
        raise SystemExit(1)
    click.echo(str(file))


def setting_rows(store: str | None = None) -> list[dict[str, Any]]:
    """All settings with value (secrets masked) and origin, in the order of the reference. ``store`` comes from an
    option."""
    from headwater.capture.config import load
    from headwater.capture.redact import Redactor
    from headwater.capture.settings import DOCS

    found = load({"store": store})
    redactor = Redactor()
    rows = []
    for name in DOCS:
        value = getattr(found.settings, name)
        if name == "transport":
            rows += _transport_rows(value, found.origins, redactor)
            continue
        computed = {"namespace": found.namespace, "store": _store(found)}.get(name, value)
        listed = list(computed) if isinstance(computed, tuple) else computed
        rows.append(_row(name, redactor.named(name, listed), found.origins.get(name, "default")))
    return rows


def _transport_rows(value: dict[str, Any], origins: dict[str, str], redactor: Any) -> list[dict[str, Any]]:
    table = {"kind": "embedded", **value}
    return [
        _row(f"transport.{key}", redactor.named(key, part), origins.get(f"transport.{key}", "default"))
        for key, part in table.items()
    ]


def _row(name: str, value: Any, origin: str) -> dict[str, Any]:
    return {"setting": name, "value": value, "origin": origin}


def _store(found: Config) -> str:
    """The folder of the store, or the address of its server."""
    return found.settings.store if "://" in found.settings.store else str(found.store)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)
