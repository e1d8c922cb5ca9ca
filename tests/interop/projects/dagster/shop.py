"""A shop in Dagster: assets with columns and a check, one that fails, and a job of ops that observes an asset."""

from dagster import (
    AssetCheckResult,
    AssetKey,
    AssetObservation,
    DagsterInstance,
    MaterializeResult,
    TableColumn,
    TableColumnDep,
    TableColumnLineage,
    TableSchema,
    asset,
    asset_check,
    job,
    materialize,
    op,
)


@asset
def orders():
    """Three columns, from nowhere that Dagster knows."""
    columns = [TableColumn("id", "int"), TableColumn("amount", "float"), TableColumn("email", "string")]
    return MaterializeResult(metadata={"dagster/column_schema": TableSchema(columns=columns)})


@asset(deps=[orders])
def paid_orders():
    """Two of them, each from the column of its name."""
    names = ("id", "amount")
    lineage = {name: [TableColumnDep(AssetKey("orders"), name)] for name in names}
    columns = [TableColumn(name, "int") for name in names]
    metadata = {"dagster/column_schema": TableSchema(columns), "dagster/column_lineage": TableColumnLineage(lineage)}
    return MaterializeResult(metadata=metadata)


@asset(deps=[paid_orders])
def revenue():
    """Made from paid orders, and no column says so."""
    return MaterializeResult()


@asset(deps=[paid_orders])
def forecast():
    """Is never made."""
    raise ValueError("no history")


@asset_check(asset=paid_orders)
def no_nulls():
    """Passes."""
    return AssetCheckResult(passed=True)


@op
def count(context):
    """Tells what it saw of the orders."""
    context.log_event(AssetObservation(asset_key="orders", metadata={"rows": 3}))


@job
def survey():
    """One op."""
    count()


if __name__ == "__main__":
    with DagsterInstance.get() as instance:
        assert materialize([orders, paid_orders, revenue, no_nulls], instance=instance).success
        assert not materialize([orders, paid_orders, forecast], instance=instance, raise_on_error=False).success
        assert survey.execute_in_process(instance=instance).success
