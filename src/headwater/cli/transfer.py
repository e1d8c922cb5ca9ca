"""``headwater ingest`` and ``headwater export``: read lineage from files and write it to files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import IO

import click

from headwater.cli.ingest_batches import Ingestion, Refusal, Tally
from headwater.cli.open_store import asking, opened
from headwater.cli.output import FORMATS, echo_form, echo_text, png_file
from headwater.errors import InvalidInput, StoreError
from headwater.query.terminal_text import clean
from headwater.storage.new_files import new_file

_OF_NO_EVENT = {"", "run"}
"""Fields in which a document fails that is no event at all."""
_SHOWN = 20
"""Refusals that are reported individually; a file of another kind has one on every line."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "is_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def ingest(ctx: click.Context, files: tuple[str, ...], is_json: bool) -> None:
    """Store the OpenLineage events and flat records from FILE... ("-" for standard input).

    A file is JSON (one document or an array) or one document a line, as it is or compressed by gzip or zstd. What is
    refused is reported with position, field, value and rule; the rest is stored, and the exit code is 1.
    """
    with ExitStack() as stack:
        streams = [(name, stack.enter_context(_opened(name))) for name in files]
        lines = [(name, *_lines(name, stream)) for name, stream in streams]
        ingestion = Ingestion(stack.enter_context(opened(ctx, must_exist=False)), folder=str(Path.cwd()))
        for name, first, rest, size in lines:
            with _progress(name, chain(first, rest), size) as counted:
                _take(ingestion, name, counted)
        ingestion.finish()
    _tell(ingestion.tally, is_json=is_json)
    if ingestion.tally.refusals:
        ctx.exit(1)


def _lines(name: str, stream: IO[bytes]) -> tuple[list[bytes], Iterator[bytes], int | None]:
    """The first line of a stream, the rest, and its size if a bar can show it.

    The first line is read before the store is opened: a file of another kind leaves no store behind.
    """
    from headwater.cli.files import Damaged, is_compressed, lines_of

    size = None if name == "-" or is_compressed(stream) else Path(name).stat().st_size
    rest = lines_of(name, stream)
    try:
        return list(islice(rest, 1)), rest, size
    except Damaged as error:
        raise InvalidInput(f"{name} cannot be unpacked: {error}", hint="download it or write it again") from None


def _take(ingestion: Ingestion, name: str, lines: Iterable[bytes]) -> None:
    """Store the documents of a file, up to the point where it is damaged."""
    from headwater.cli.documents import documents
    from headwater.cli.files import Damaged

    tally = ingestion.tally
    seen = tally.documents
    try:
        ingestion.add(documents(name, lines))
    except Damaged as error:
        tally.refusals.append(Refusal(name, "file", str(error), "must unpack to its end; what came before it is taken"))
    if tally.documents == seen and not tally.refusals:
        click.echo(clean(f"{name} is empty"), err=True)


def _opened(name: str) -> AbstractContextManager[IO[bytes]]:
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise click.UsageError(f"cannot read {name}: {error.strerror}") from None


def _progress(name: str, lines: Iterable[bytes], size: int | None) -> AbstractContextManager[Iterable[bytes]]:
    """A progress bar over the bytes of a file, if standard error is a terminal."""
    if size is None or not sys.stderr.isatty():
        return nullcontext(lines)
    from headwater.cli.progress import bar

    return bar(lines, size, name)


def _tell(tally: Tally, *, is_json: bool) -> None:
    from headwater.cli.files import TAKEN

    if is_json:
        from headwater.query.result import json_text

        refused = [refusal._asdict() for refusal in tally.refusals]
        echo_text(json_text({"stored": tally.stored, "duplicates": tally.duplicates, "refused": refused}))
        return
    for refusal in tally.refusals[:_SHOWN]:
        got = f", got {refusal.value}" if refusal.value else ""
        click.echo(clean(f"{refusal.where}: {refusal.field or 'document'}: {refusal.rule}{got}"), err=True)
    if len(tally.refusals) > _SHOWN:
        more = len(tally.refusals) - _SHOWN
        click.echo(f"and {more:,} more: --json lists all, 'headwater quarantine list' the latest", err=True)
    is_foreign = all(refusal.field in _OF_NO_EVENT for refusal in tally.refusals)
    if tally.refusals and is_foreign and not tally.stored and not tally.duplicates:
        click.echo(f" hint: {TAKEN}", err=True)
    words = [f"{tally.stored:,} stored"]
    if tally.duplicates:
        words.append(f"{tally.duplicates:,} known already")
    if tally.refusals:
        words.append(f"{len(tally.refusals):,} refused")
    click.echo(", ".join(words))


@click.command()
@click.argument("expression", required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), default="json", show_default=True, help="The format.")
@click.option("--as-of", metavar="TIME", help="The graph at a date, time, '2h ago' or a run.")
@click.option("-o", "--output", "file", metavar="FILE", help="Write to a file instead of standard output.")
@click.pass_context
def export(ctx: click.Context, expression: str | None, form: str, as_of: str | None, file: str | None) -> None:
    """Write the whole graph, or the nodes that match EXPRESSION (+model.pkl), in another format."""
    with asking(ctx, may_be_empty=True) as lineage:
        graph = lineage.graph(expression or "kind:dataset | kind:job", as_of=as_of)
    if file is None:
        echo_form(graph, form)
        return
    made = png_file(graph) if form == "png" else (getattr(graph, f"to_{form}")().rstrip("\n") + "\n").encode()
    try:
        with new_file(Path(file)) as part:
            part.write_bytes(made)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise click.UsageError(f"cannot write {file}: {error.strerror}") from None
    except OSError as error:
        raise StoreError(f"cannot write {file}: {error.strerror}") from None
