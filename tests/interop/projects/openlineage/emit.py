"""Emits the lineage of a small warehouse, every event the same each time; where to is the environment's business."""

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    documentation_dataset,
    error_message_run,
    lineage,
    ownership_job,
    parent_run,
    schema_dataset,
    sql_job,
    symlinks_dataset,
)
from openlineage.client.facet_v2 import (
    output_statistics_output_dataset as statistics,
)

PRODUCER = "https://example.com/shop"
DATABASE = "postgres://db.example:5432"


def run_id(number):
    """The id of a run, the same each time."""
    return f"00000000-0000-7000-8000-{number:012d}"


def columns(**sources):
    """A facet that copies each target column from a column of a table."""
    fields = {
        target: column_lineage_dataset.Fields(
            inputFields=[
                column_lineage_dataset.InputField(
                    namespace=DATABASE,
                    name=table,
                    field=field,
                    transformations=[column_lineage_dataset.Transformation(type="DIRECT", subtype="IDENTITY")],
                )
            ]
        )
        for target, (table, field) in sources.items()
    }
    return column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields)


def event(second, state, number, job, inputs=(), outputs=(), run_facets=None, job_facets=None):
    """A RunEvent, so many seconds after ten."""
    return RunEvent(
        eventType=state,
        eventTime=f"2026-01-05T10:00:{second:02d}.000000Z",
        run=Run(runId=run_id(number), facets=run_facets or {}),
        job=Job(namespace="shop", name=job, facets=job_facets or {}),
        inputs=list(inputs),
        outputs=list(outputs),
        producer=PRODUCER,
    )


def events():
    """The whole history, in order."""
    parent = parent_run.ParentRunFacet(
        run=parent_run.Run(runId=run_id(1)), job=parent_run.Job(namespace="shop", name="nightly")
    )
    schema = schema_dataset.SchemaDatasetFacet(fields=[schema_dataset.SchemaDatasetFacetFields(name="id", type="int8")])
    orders = InputDataset(
        namespace="postgresql://DB.example", name='"shop"."public"."orders"', facets={"schema": schema}
    )
    totals = OutputDataset(
        namespace=DATABASE,
        name="shop.public.totals",
        facets={"columnLineage": columns(customer=("shop.public.orders", "id"))},
        outputFacets={"outputStatistics": statistics.OutputStatisticsOutputDatasetFacet(rowCount=3)},
    )
    text = "insert into totals select id as customer from orders"
    sql = {"sql": sql_job.SQLJobFacet(query=text, dialect="postgres")}
    yield event(1, RunState.START, 1, "nightly")
    # what a run reads is said at its start, what it wrote at its end
    yield event(2, RunState.START, 2, "totals", inputs=[orders], run_facets={"parent": parent}, job_facets=sql)
    yield event(3, RunState.RUNNING, 2, "totals")
    yield event(4, RunState.COMPLETE, 2, "totals", outputs=[totals])
    # a run that fails claims an edge that nobody may see
    error = {"errorMessage": error_message_run.ErrorMessageRunFacet(message="disk full", programmingLanguage="PYTHON")}
    wrong = OutputDataset(namespace=DATABASE, name="shop.public.wrong")
    yield event(5, RunState.START, 3, "wrong", inputs=[orders], run_facets={"parent": parent})
    yield event(6, RunState.FAIL, 3, "wrong", inputs=[orders], outputs=[wrong], run_facets=error)
    yield event(7, RunState.FAIL, 1, "nightly")
    yield DatasetEvent(
        eventTime="2026-01-05T10:00:08.000000Z",
        dataset=StaticDataset(
            namespace=DATABASE,
            name="shop.public.totals",
            facets={
                "documentation": documentation_dataset.DocumentationDatasetFacet(description="Größe · 大きさ"),
                "symlinks": symlinks_dataset.SymlinksDatasetFacet(
                    identifiers=[symlinks_dataset.Identifier(namespace="s3://lake", name="totals", type="LOCATION")]
                ),
            },
        ),
        producer=PRODUCER,
    )
    totals_file = lineage.LineageDatasetInput(namespace="s3a://lake", name="/totals", type="DATASET")
    # a definition without a run, with edges of its own: the report reads two tables and only one of them counts
    yield JobEvent(
        eventTime="2026-01-05T10:00:09.000000Z",
        job=Job(
            namespace="shop",
            name="report",
            facets={
                "ownership": ownership_job.OwnershipJobFacet(owners=[ownership_job.Owner(name="team:finance")]),
                "lineage": lineage.LineageJobFacet(
                    entries=[
                        lineage.LineageDatasetEntry(
                            namespace="file",
                            name="/reports/totals.pdf",
                            type="DATASET",
                            inputs=[totals_file],
                        )
                    ]
                ),
            },
        ),
        inputs=[InputDataset(namespace="s3a://lake", name="/totals"), orders],
        outputs=[OutputDataset(namespace="file", name="/reports/totals.pdf")],
        producer=PRODUCER,
    )


if __name__ == "__main__":
    client = OpenLineageClient()
    for one in events():
        client.emit(one)
    client.close(timeout=60)
