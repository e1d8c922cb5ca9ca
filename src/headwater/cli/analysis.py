"""``headwater impact``, ``why`` and ``diff``."""

from __future__ import annotations

import click

from headwater.cli.open_store import asking
from headwater.cli.output import cells, echo, echo_text, format_options
from headwater.cli.walks import show_graph
from headwater.errors import InvalidInput
from headwater.model.graph import NodeKind
from headwater.query.impact import CHANGES, SEVERITIES, Change


@click.command()
@click.argument("node")
@click.option("--change", type=click.Choice(CHANGES), default="drop", show_default=True, help="The kind of change.")
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Hops from dataset to dataset.")
@click.option("--as-of", metavar="TIME", help="Ask about a date, time, '2h ago', 'yesterday' or a run.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Affected nodes to list, worst first.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="Exit with 1 if there is an effect of this severity or worse.",
)
@format_options("json")
@click.pass_context
def impact(
    ctx: click.Context,
    node: str,
    change: Change,
    depth: int | None,
    as_of: str | None,
    limit: int | None,
    fail_on: str | None,
    output: str | None,
) -> None:
    """Show what breaks if NODE, a dataset or column (data.csv:age), changes."""
    from headwater.query.impact_text import impact_lines

    with asking(ctx) as lineage:
        found = lineage.impact(node, change=change, depth=depth, as_of=as_of, limit=limit)
    if found.root.kind is NodeKind.JOB:  # an answer without effects would let a check of a pull request pass
        hint = "name what it wrote; 'downstream' lists that"
        raise InvalidInput(field="name", value=node, rule="must be data, not a job", hint=hint)
    if output == "json":
        echo_text(found.to_json())
    else:
        echo(impact_lines(found, cells=cells()))
    if fail_on is not None:
        worst = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
        if any(item.severity in worst for item in found.items):
            ctx.exit(1)


@click.command()
@click.argument("prediction")
@click.option("--as-of", metavar="TIME", help="The version at a date, time, '2h ago', 'yesterday' or a run.")
@format_options()
@click.pass_context
def why(ctx: click.Context, prediction: str, as_of: str | None, output: str | None) -> None:
    """Trace PREDICTION back: model version, training run, data, code, parameters, raw files.

    PREDICTION is a dataset, a version (preds.csv#v2) or a row of it (preds.csv#17, counted from 0).
    """
    from headwater.query.why_text import why_lines

    with asking(ctx) as lineage:
        found = lineage.why(prediction, as_of=as_of)
    if output == "json":
        echo_text(found.to_json())
    elif output is not None:
        show_graph(found.graph, output)
    else:
        echo(why_lines(found, cells=cells()))


@click.command()
@click.argument("before")
@click.argument("after", required=False)
@click.option("--of", metavar="NODE", help="For two instants: compare only what is upstream of NODE.")
@format_options("json")
@click.pass_context
def diff(ctx: click.Context, before: str, after: str | None, of: str | None, output: str | None) -> None:
    """Compare two runs, two versions (data.csv#v1 data.csv#v2) or two instants (yesterday now).

    With one name, a job or dataset, its two latest runs or versions are compared.
    """
    from headwater.query.diff_text import diff_lines

    with asking(ctx) as lineage:
        found = lineage.diff(before, after, of=of)
    if output == "json":
        echo_text(found.to_json())
    else:
        echo(diff_lines(found, cells=cells()))
