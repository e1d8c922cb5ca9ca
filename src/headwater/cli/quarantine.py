"""``headwater quarantine``: inspect, replay and drop refused events."""

from __future__ import annotations

import sys
from typing import IO

import click
import msgspec

from headwater.cli.commands import Suggesting
from headwater.cli.open_store import opened
from headwater.cli.output import cells, echo_text, format_options
from headwater.errors import InvalidEvent, InvalidInput, InvalidRecord, NotFound
from headwater.formats.decode_errors import not_json
from headwater.storage.base import Store
from headwater.storage.row_types import Quarantined, ReceiptStatus

_ID = click.argument("entry", metavar="ID", type=click.IntRange(1, 2**62))


@click.group(cls=Suggesting)
def quarantine() -> None:
    """Inspect refused events and documents; replay or drop them."""


@quarantine.command(name="list")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many entries to list."
)
@click.option("--before", type=click.IntRange(1), help="Only entries with a smaller id (the next page).")
@format_options("json")
@click.pass_context
def list_(ctx: click.Context, limit: int, before: int | None, output: str | None) -> None:
    """List refused entries, latest first, without bodies."""
    from headwater.query.instants import iso_utc
    from headwater.query.result import json_text
    from headwater.query.terminal_text import clean, folded

    with opened(ctx) as store:
        found, totals = store.quarantined(limit=limit, before=before), store.quarantine_totals()
    if output == "json":
        rows = [{k: v for k, v in msgspec.structs.asdict(one).items() if k != "body"} for one in found]
        echo_text(json_text(rows))
        return
    lines = [
        clean(f"{one.id:>6}  {iso_utc(one.received_at)}  {one.kind:<6}  {one.times}x  {one.field or '-'}: {one.rule}")
        for one in found
    ]
    lines.append(f"{totals.entries:,} in quarantine, {totals.dropped:,} made room for later ones")
    room = cells()
    echo_text("\n".join(part for line in lines for part in folded(line, room, indent=8)))


@quarantine.command()
@_ID
@click.pass_context
def show(ctx: click.Context, entry: int) -> None:
    """Print an entry unchanged (without control characters on a terminal); the reason goes to standard error."""
    from headwater.query.terminal_text import clean

    with opened(ctx) as store:
        found = _entry(store, entry)
    got = f", got {found.value}" if found.value else ""
    click.echo(clean(f"{found.field or found.kind}: {found.rule}{got}"), err=True)
    if found.hint:
        click.echo(clean(f" hint: {found.hint}"), err=True)
    if sys.stdout.isatty():
        click.echo("\n".join(clean(line) for line in found.body.decode(errors="replace").split("\n")))
    else:
        click.echo(found.body, nl=False)


@quarantine.command()
@_ID
@click.option("--body", type=click.File("rb"), help="The corrected document. Default: the entry itself.")
@click.pass_context
def replay(ctx: click.Context, entry: int, body: IO[bytes] | None) -> None:
    """Replay an entry, unchanged (after an upgrade) or corrected. Once stored, it leaves the quarantine."""
    with opened(ctx) as store:
        found = _entry(store, entry)
        if body is None and found.size_bytes > len(found.body):
            raise InvalidInput(field="body", rule="must be given: only the beginning of it was kept")
        documents = _documents(found.body if body is None else body.read())
        events = [_event(found, document) for document in documents]
        refused = [one for one in store.append(events) if one.status is ReceiptStatus.REFUSED]
        if refused:
            first = refused[0]
            raise InvalidEvent(field=first.field, value=first.value, rule=first.rule, hint=first.hint or None)
        store.release([entry])
    click.echo(f"{len(events):,} stored; {entry} left the quarantine")


@quarantine.command()
@click.argument("entries", metavar="ID...", nargs=-1, required=True, type=click.IntRange(1, 2**62))
@click.pass_context
def drop(ctx: click.Context, entries: tuple[int, ...]) -> None:
    """Drop entries permanently."""
    with opened(ctx) as store:
        click.echo(f"{store.release(entries):,} dropped")


def _entry(store: Store, entry: int) -> Quarantined:
    found = store.quarantine_entry(entry)
    if found is None:
        raise NotFound(str(entry), hint="'headwater quarantine list' lists what there is")
    return found


def _documents(body: bytes) -> list[bytes]:
    if body.lstrip()[:1] != b"[":
        return [body]
    try:
        return [bytes(one) for one in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except msgspec.DecodeError as error:
        raise InvalidInput(field="body", rule=not_json(error)) from None


def _event(found: Quarantined, document: bytes) -> bytes:
    if found.kind != "record":
        return document
    from headwater.formats.record import read_record, to_events

    try:
        return to_events(read_record(msgspec.json.decode(document)))[0]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRecord(field="body", rule=not_json(error)) from None
