"""``headwater ingest`` and ``headwater export``: lineage in and out of files."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import IO

import click

from headwater.cli.ingestion import Ingestion, Tally
from headwater.cli.opening import asking, opened
from headwater.cli.output import FORMATS, echo_form, echo_text
from headwater.query.text import clean


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "is_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def ingest(ctx: click.Context, files: tuple[str, ...], is_json: bool) -> None:
    """Store the OpenLineage events and flat records in FILE... ("-" for standard input).

    A file is JSON (one document or an array) or one document a line. What is refused is told with place, field, value
    and rule, the rest lands; the exit code is then 1.
    """
    from headwater.cli.documents import documents

    with ExitStack() as stack:
        streams = [(name, stack.enter_context(_opened(name))) for name in files]
        ingestion = Ingestion(stack.enter_context(opened(ctx, must_exist=False)), folder=str(Path.cwd()))
        for name, stream in streams:
            with _progress(name, stream) as lines:
                ingestion.add(documents(name, lines))
        ingestion.finish()
    _tell(ingestion.tally, is_json=is_json)
    if ingestion.tally.refusals:
        ctx.exit(1)


def _opened(name: str) -> AbstractContextManager[IO[bytes]]:
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise click.UsageError(f"cannot read {name}: {error.strerror}") from None


def _progress(name: str, stream: IO[bytes]) -> AbstractContextManager[Iterable[bytes]]:
    """A progress bar over the bytes of a file, where somebody is looking."""
    if name == "-" or not sys.stderr.isatty():
        return nullcontext(stream)
    from headwater.cli.progress import bar

    return bar(stream, Path(name).stat().st_size, name)


def _tell(tally: Tally, *, is_json: bool) -> None:
    if is_json:
        from headwater.query.result import json_text

        refused = [refusal._asdict() for refusal in tally.refusals]
        echo_text(json_text({"stored": tally.stored, "duplicates": tally.duplicates, "refused": refused}))
        return
    for refusal in tally.refusals:
        got = f", got {refusal.value}" if refusal.value else ""
        click.echo(clean(f"{refusal.where}: {refusal.field or 'document'}: {refusal.rule}{got}"), err=True)
    words = [f"{tally.stored:,} stored"]
    if tally.duplicates:
        words.append(f"{tally.duplicates:,} known already")
    if tally.refusals:
        words.append(f"{len(tally.refusals):,} refused")
    click.echo(", ".join(words))


@click.command()
@click.argument("expression", required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), default="json", show_default=True, help="What to write.")
@click.option("--as-of", metavar="TIME", help="As the graph stood at a date, time, '2h ago' or a run.")
@click.option("-o", "--output", "file", metavar="FILE", help="Write to a file instead of standard output.")
@click.pass_context
def export(ctx: click.Context, expression: str | None, form: str, as_of: str | None, file: str | None) -> None:
    """Write the whole graph, or the nodes that EXPRESSION names (+model.pkl), in another format."""
    with asking(ctx) as lineage:
        graph = lineage.graph(expression or "kind:dataset | kind:job", as_of=as_of)
    if file is None:
        echo_form(graph, form)
        return
    made = graph.to_png() if form == "png" else (getattr(graph, f"to_{form}")().rstrip("\n") + "\n").encode()
    try:
        Path(file).write_bytes(made)
    except OSError as error:
        raise click.UsageError(f"cannot write {file}: {error.strerror}") from None
