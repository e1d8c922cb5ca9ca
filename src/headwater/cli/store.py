"""``headwater store``: maintenance of the store itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from headwater.cli.commands import Suggesting
from headwater.cli.open_store import file_of, opened, target, tell_set_aside
from headwater.cli.output import cells, echo, echo_text, format_options
from headwater.errors import NotFound, StoreCorrupt, StoreError, StoreReadOnly
from headwater.model.uris import without_password
from headwater.query.terminal_text import plural
from headwater.storage.new_files import new_file
from headwater.storage.open import POSTGRES

if TYPE_CHECKING:
    from headwater.storage.sqlite.repair import Repaired


@click.group(cls=Suggesting)
def store() -> None:
    """Maintain the store: contents, backups, integrity."""


@store.command()
@format_options("json")
@click.option("--hash", "with_hash", is_flag=True, help="Also compute the hash of the whole graph.")
@click.pass_context
def info(ctx: click.Context, with_hash: bool, output: str | None) -> None:
    """Show the contents of the store, and the latest refused events.

    The graph hash reads everything that is stored: about a minute for each ten million edges.
    """
    from headwater.cli.store_text import info_lines
    from headwater.query.result import json_text, to_plain

    where = without_password(target(ctx.find_root().obj))
    with opened(ctx) as found:
        statistics, refused = found.statistics(), found.quarantined(limit=20)
        graph_hash = found.graph_hash() if with_hash else ""
    if output == "json":
        document = {"store": where, "tenant": found.tenant, **to_plain(statistics)}
        if with_hash:
            document["graph_hash"] = graph_hash
        document["refused"] = [
            {"received_at": one.received_at, "field": one.field, "value": one.value, "rule": one.rule}
            for one in refused
        ]
        echo_text(json_text(document))
    else:
        echo(info_lines(where, found.tenant, statistics, refused, graph_hash, cells=cells()))


@store.command()
@click.pass_context
def rebuild(ctx: click.Context) -> None:
    """Rebuild all views from the event log.

    Says whether the graph is the same: it is, unless a view was stale or damaged.
    """
    with opened(ctx) as found:
        last_seq = found.tally().last_seq
        before = found.graph_hash()
        after = found.rebuild()
        is_comparable = found.tally().last_seq == last_seq
        tell_set_aside(found)
    if not is_comparable:
        click.echo("rebuilt; events came in meanwhile, so the graph is not compared with what it was")
    elif before == after:
        click.echo(f"rebuilt: the graph is the same ({after[:16]})")
    else:
        click.echo(f"rebuilt: the graph changed ({before[:16]} to {after[:16]}): a view was stale or damaged")


@store.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def backup(ctx: click.Context, file: Path) -> None:
    """Write a consistent copy to FILE.

    Others may go on writing meanwhile.
    """
    with opened(ctx) as found:
        try:
            found.backup(file)
        except StoreReadOnly as error:
            raise StoreError(f"cannot write {file}: {error.message}", hint="name a file that may be written") from None
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


@store.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace an existing store, which is kept next to it as .replaced.")
@click.pass_context
def restore(ctx: click.Context, file: Path, force: bool) -> None:
    """Restore the backup in FILE.

    The backup is checked first; where there is a store already, --force is needed. A store on PostgreSQL must be empty:
    restore into another tenant.
    """
    if target(ctx.find_root().obj).startswith(POSTGRES):
        _restore_to_server(ctx, file)
        return
    from headwater.storage.sqlite.repair import restore as put_back
    from headwater.storage.sqlite.store import store_path

    tenant = ctx.find_root().obj.tenant
    place = store_path(file_of(ctx), tenant)
    if place.exists() and not force:
        raise StoreError(
            f"{place} exists", hint="use --force to replace it; the old one is kept next to it as .replaced"
        )
    put_back(file, place.parent, tenant=tenant, is_replacing=force)
    with opened(ctx) as found:
        events = found.tally().events
    click.echo(f"restored {plural(events, 'event')} to {place}")


def _restore_to_server(ctx: click.Context, file: Path) -> None:
    from headwater.storage.postgres import PostgresStore

    with opened(ctx, must_exist=False) as found:
        assert isinstance(found, PostgresStore)
        found.restore(file)
        events = found.tally().events
    click.echo(f"restored {plural(events, 'event')} to {without_password(target(ctx.find_root().obj))}")


@store.command("export")
@click.argument("file", default="-")
@click.option("--since", type=click.IntRange(0, 2**62), default=0, metavar="SEQ", help="Only events after this number.")
@click.pass_context
def export_(ctx: click.Context, file: str, since: int) -> None:
    """Write the event log to FILE, one event per line.

    The events are those that came in, verbatim. FILE is standard output by default.
    """
    count = 0
    with opened(ctx) as found, _written(file) as out:
        for event in found.events(since=since):
            out.write(event.body.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")
            count += 1
    if file != "-":
        click.echo(f"{file}: {plural(count, 'event')}")


@contextmanager
def _written(file: str) -> Iterator[IO[bytes]]:
    """Open a new file, or standard output for ``-``."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if Path(file).exists():
        raise StoreError(f"{file} exists", hint="name a file that does not exist yet")
    try:
        with new_file(Path(file)) as part, part.open("xb") as stream:
            yield stream
    except OSError as error:
        raise StoreError(f"cannot write {file}: {error.strerror}") from None


@store.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.pass_context
def import_(ctx: click.Context, files: tuple[str, ...]) -> None:
    """Store the events that 'export' wrote.

    The graph that follows from them is the same again: it has the same graph hash.
    """
    from headwater.cli.transfer import ingest

    ctx.invoke(ingest, files=files, is_json=False)


@store.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Read the whole store and verify it.

    Exits with 1 when it is not sound.
    """
    with opened(ctx) as found:
        verify = getattr(found, "verify", None)
        if verify is not None:
            verify()
        tally = found.tally()
        events = sum(event.seq <= tally.last_seq for event in found.events())  # others may be writing
        if events != tally.events:
            raise StoreCorrupt(f"the log holds {plural(events, 'event')} and says {tally.events:,}")
    click.echo(f"sound: {plural(events, 'event')}, {plural(tally.datasets, 'dataset')}, {plural(tally.runs, 'run')}")


@store.command()
@click.pass_context
def repair(ctx: click.Context) -> None:
    """Recover what is readable, and rebuild the rest.

    The damaged file is set aside, not deleted. Exits with 1 when something was lost.
    """
    from headwater.storage.sqlite.repair import repair as salvage

    place = file_of(ctx)
    if not place.exists():
        raise NotFound(str(place), hint="there is no store to repair")
    found = salvage(place, tenant=ctx.find_root().obj.tenant)
    click.echo(f"kept {plural(found.events, 'event')} from {plural(found.frames_read, 'commit')}; {_loss(found)}")
    click.echo(f"the damaged file is {found.quarantined}")
    if found.frames_lost or not found.is_end_known:
        ctx.exit(1)


def _loss(found: Repaired) -> str:
    if not found.is_end_known:
        return "how much was lost is not known: the file no longer tells how many events it held"
    return (
        f"{plural(found.frames_lost, 'part')} of the log could not be read" if found.frames_lost else "nothing was lost"
    )


@store.command()
@click.option("--before", required=True, metavar="TIME", help="A date, time or age: '2026-01-01', '90d ago'.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def retain(ctx: click.Context, before: str, yes: bool) -> None:
    """Delete what was received before a time.

    What only those events showed is forgotten with them.
    """
    from headwater.query.instants import iso, read_instant

    instant = read_instant(before)
    if instant is None:
        raise click.BadParameter(f"{before!r} is not a date, time or age", param_hint="--before")
    if not yes:
        click.confirm(f"Forget every event received before {iso(instant)}?", abort=True)
    with opened(ctx) as found:
        count = found.retain(before=instant)
    click.echo(f"{plural(count, 'event')} forgotten")
