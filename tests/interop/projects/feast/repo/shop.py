"""A feature repository: two sources, two views, a service."""

from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

HERE = Path(__file__).resolve().parent

customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)

orders = FileSource(name="orders", path="data/orders.parquet", timestamp_field="placed_on")
# an absolute path says which file it is; a relative one does so to Feast alone
profiles = FileSource(name="profiles", path=str(HERE / "data" / "profiles.parquet"), timestamp_field="seen_on")

spending = FeatureView(
    name="spending",
    entities=[customer],
    ttl=timedelta(days=3650),
    schema=[Field(name="customer_id", dtype=Int64), Field(name="spent", dtype=Float64)],
    source=orders,
)
age = FeatureView(
    name="age",
    entities=[customer],
    ttl=timedelta(days=3650),
    schema=[Field(name="customer_id", dtype=Int64), Field(name="years", dtype=Int64)],
    source=profiles,
)
churn = FeatureService(name="churn", features=[spending, age])
