"""A feature repository: two sources, two views, a service."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)

orders = FileSource(name="orders", path="data/orders.parquet", timestamp_field="placed_on")
profiles = FileSource(name="profiles", path="data/profiles.parquet", timestamp_field="seen_on")

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
