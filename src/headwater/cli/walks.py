"""``headwater upstream``, ``downstream`` and ``path``: show graphs as trees or in another format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from headwater.cli.open_store import asking
from headwater.cli.output import cells, echo, echo_form, format_options, is_ascii
from headwater.query.result import LineageGraph

DEFAULT_LIMIT = 500


def walk_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a walk."""
    options = (
        click.argument("node"),
        click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Hops from dataset to dataset."),
        click.option("--columns", is_flag=True, help="Follow columns, not whole datasets."),
        click.option("--kinds", metavar="A,B", help="Keep nodes of these types: model,table,file ..."),
        click.option(
            "--level",
            type=click.Choice(["dataset", "run"]),
            default="dataset",
            show_default=True,
            help="Current datasets, or the versions made by runs.",
        ),
        click.option("--as-of", metavar="TIME", help="Ask about a date, time, '2h ago', 'yesterday' or a run."),
        click.option(
            "--limit",
            type=click.IntRange(min=1),
            default=DEFAULT_LIMIT,
            show_default=True,
            metavar="N",
            help="Nodes to show, nearest first.",
        ),
        format_options(),
        click.pass_context,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@walk_options
def upstream(ctx: click.Context, node: str, output: str | None, **options: Any) -> None:
    """Show everything that NODE was made from.

    NODE is a dataset, model, job, column (data.csv:age), version (data.csv#v2) or run; the end of a name is enough.
    """
    with asking(ctx) as lineage:
        show_graph(lineage.upstream(node, **_arguments(options)), output)


@click.command()
@walk_options
def downstream(ctx: click.Context, node: str, output: str | None, **options: Any) -> None:
    """Show everything made from NODE.

    NODE is a dataset, model, job, column (data.csv:age), version (data.csv#v2) or run; the end of a name is enough.
    """
    with asking(ctx) as lineage:
        show_graph(lineage.downstream(node, **_arguments(options)), output)


@click.command()
@click.argument("source")
@click.argument("target")
@click.option("--as-of", metavar="TIME", help="Ask about a date, time, '2h ago', 'yesterday' or a run.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Shortest paths to show."
)
@format_options()
@click.pass_context
def path(ctx: click.Context, /, source: str, target: str, output: str | None, **options: Any) -> None:
    """Show how data flows from SOURCE to TARGET."""
    with asking(ctx) as lineage:
        show_graph(lineage.path(source, target, **options), output)


def _arguments(options: dict[str, Any]) -> dict[str, Any]:
    kinds = options.pop("kinds")
    return {**options, "kinds": kinds.split(",") if kinds else None}


def show_graph(graph: LineageGraph, output: str | None) -> None:
    """Print a graph in a format, as a tree when None."""
    if output is not None:
        echo_form(graph, output)
        return
    from headwater.query.tree import TreeStyle, tree

    echo(tree(graph, TreeStyle(cells=cells(), ascii_only=is_ascii())))
