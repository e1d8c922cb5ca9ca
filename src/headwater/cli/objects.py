"""``headwater search``, ``show``, ``history``, ``runs``, ``select`` and ``coverage``."""

from __future__ import annotations

import shlex

import click

from headwater.cli.open_store import asking
from headwater.cli.output import cells, echo, echo_text, format_options
from headwater.cli.walks import show_graph


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--kind", metavar="KIND", help="dataset, job, or a type such as model or table.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Results to show."
)
@format_options("json")
@click.pass_context
def search(ctx: click.Context, words: tuple[str, ...], kind: str | None, limit: int, output: str | None) -> None:
    """Find datasets, columns, models and jobs by WORDS in names, columns, descriptions, tags and owners."""
    from headwater.query.object_text import search_lines
    from headwater.query.result import json_text

    with asking(ctx, may_be_empty=output == "json") as lineage:
        hits = lineage.search(" ".join(words), kind=kind, limit=limit)
    if output == "json":
        echo_text(json_text(hits))
    elif hits:
        echo(search_lines(hits, cells=cells()))
    else:
        click.echo("nothing found", err=True)
        if hint := _selector_hint(" ".join(words)):
            click.echo(" hint: " + hint, err=True)
    if not hits:
        ctx.exit(1)


def _selector_hint(text: str) -> str:
    """A hint for a selector that was given instead of search words; empty for plain words."""
    from headwater.errors import InvalidSelector
    from headwater.query.selector_parse import Name, parse

    try:
        is_selector = not isinstance(parse(text), Name)
    except InvalidSelector:
        return ""
    says = f"this looks for words; what a selector names is shown by: headwater select {shlex.quote(text)}"
    return says if is_selector else ""


@click.command()
@click.argument("node")
@click.option("--as-of", metavar="TIME", help="The state at a date, time, '2h ago', 'yesterday' or a run.")
@format_options("json")
@click.pass_context
def show(ctx: click.Context, node: str, as_of: str | None, output: str | None) -> None:
    """Show everything known about NODE: a dataset, version (data.csv#v2), job or run."""
    from headwater.query.object_text import details_lines

    with asking(ctx) as lineage:
        found = lineage.show(node, as_of=as_of)
    if output == "json":
        echo_text(found.to_json())
    else:
        echo(details_lines(found, cells=cells()))


@click.command()
@click.argument("node")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="Entries of each kind."
)
@format_options("json")
@click.pass_context
def history(ctx: click.Context, node: str, limit: int, output: str | None) -> None:
    """Show the versions of a dataset or the runs of a job, and every change of its columns."""
    from headwater.query.object_text import history_lines

    with asking(ctx) as lineage:
        found = lineage.history(node, limit=limit)
    if output == "json":
        echo_text(found.to_json())
    else:
        echo(history_lines(found, cells=cells()))


@click.command()
@click.argument("run")
@click.pass_context
def record(ctx: click.Context, run: str) -> None:
    """Show RUN as a flat record: the document it was reported as, or one built from what is known about it."""
    from headwater.query.lineage import Lineage
    from headwater.query.record import pending, record_text

    with asking(ctx) as lineage:
        found = lineage.record(run)
        # A service returns only the record; pending dependencies are reported if the store is local.
        waiting = pending(lineage.store, found) if isinstance(lineage, Lineage) else []
    echo_text(record_text(found))
    if waiting:
        click.echo(f"not arrived yet: {', '.join(waiting)}", err=True)


@click.command()
@click.argument("node", required=False)
@click.option("--state", metavar="STATE", help="completed, failed, running, aborted or new.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Runs to list.")
@format_options("json")
@click.pass_context
def runs(ctx: click.Context, node: str | None, state: str | None, limit: int, output: str | None) -> None:
    """List runs, latest first: all, those of a job, or those that wrote a dataset."""
    from headwater.query.object_text import runs_lines
    from headwater.query.result import json_text

    with asking(ctx, may_be_empty=output == "json") as lineage:
        found = lineage.runs(node, state=state, limit=limit)
    if output == "json":
        echo_text(json_text(found))
    elif found:
        echo(runs_lines(found, cells=cells()))
    else:
        click.echo("no runs", err=True)


@click.command()
@click.argument("expression")
@click.option("--as-of", metavar="TIME", help="The graph at a date, time, '2h ago' or a run.")
@format_options()
@click.pass_context
def select(ctx: click.Context, expression: str, as_of: str | None, output: str | None) -> None:
    """List the nodes that match EXPRESSION: +model.pkl, 2+a.csv+1, 'tag:pii+ & kind:model', '*.csv | !type:file'."""
    with asking(ctx, may_be_empty=output is not None) as lineage:
        if output not in {None, "json"}:
            show_graph(lineage.graph(expression, as_of=as_of), output)
            return
        found = lineage.select(expression, as_of=as_of)
    if output == "json":
        from headwater.query.result import json_text

        echo_text(json_text(found))
        return
    from headwater.query.terminal_text import clean

    if not found:
        click.echo("nothing matches", err=True)
    for name in found:
        echo_text(clean(name))


@click.command()
@format_options("json")
@click.pass_context
def coverage(ctx: click.Context, output: str | None) -> None:
    """Show how much of the lineage is known: producers, schemas, fingerprints, column edges."""
    from headwater.query.object_text import coverage_lines

    with asking(ctx, may_be_empty=output == "json") as lineage:
        found = lineage.coverage()
    if output == "json":
        echo_text(found.to_json())
    else:
        echo(coverage_lines(found, cells=cells()))
