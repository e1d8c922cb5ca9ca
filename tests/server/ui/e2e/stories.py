"""Lineage to look at: a small shop with everything that a picture can show, hostile names, and many nodes."""

from __future__ import annotations

from typing import Any

from headwater.testing.events import column_lineage, dataset, facet, run_event, run_id, schema

Event = dict[str, Any]


def typed(name: str, kind: str, *columns: str, **facets: Any) -> Event:
    """A dataset of a type, with columns."""
    given: dict[str, Any] = {"datasetType": facet(datasetType=kind), **facets}
    if columns:
        given["schema"] = schema(*columns)
    return dataset(name, facets=given)


def shop() -> list[Event]:
    """raw.orders, raw.users -> clean.orders -> features -> model -> predictions; a failed export; a changed edge."""
    orders = typed("raw.orders", "TABLE", "id", "user_id", "amount", "country")
    users = typed("raw.users", "TABLE", "id", "email", *(f"extra_{at}" for at in range(20)))
    clean_columns = {
        "order_id": [("raw.orders", "id")],
        "amount": [("raw.orders", "amount")],
        "email": [("raw.users", "email")],
    }
    clean = typed("clean.orders", "TABLE", *clean_columns, columnLineage=column_lineage(clean_columns))
    feature_columns = {"spend": [("clean.orders", "amount")]}
    features = typed("features.spend", "FEATURE_VIEW", "spend", columnLineage=column_lineage(feature_columns))
    sql = facet(query="INSERT INTO clean.orders SELECT o.id, o.amount, u.email FROM raw.orders o JOIN raw.users u")
    return [
        run_event(run_id(1), "clean_orders", "COMPLETE", 10, [orders, users], [clean], job_facets={"sql": sql}),
        run_event(run_id(2), "make_features", "COMPLETE", 20, ["clean.orders"], [features]),
        run_event(run_id(3), "train_churn", "COMPLETE", 30, ["features.spend"], [typed("models.churn", "MODEL")]),
        run_event(
            run_id(4),
            "predict",
            "COMPLETE",
            40,
            ["models.churn", "features.spend"],
            [typed("out.preds", "PREDICTIONS")],
        ),
        run_event(run_id(5), "report", "COMPLETE", 50, ["clean.orders"], [typed("bi.revenue", "DASHBOARD")]),
        run_event(run_id(6), "report", "COMPLETE", 5000, ["features.spend"], [typed("bi.revenue", "DASHBOARD")]),
        run_event(run_id(7), "export", "FAIL", 60, ["clean.orders"], ["out.export"]),
    ]


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'; DROP TABLE runs; --",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eevil\u202c.csv",
    "line\nbreak\ttab",
    "</script><script>alert(3)</script>",
    "a" * 500,
    "s3://bucket/k%2Fey?x=1&y=2#frag",
    "javascript:alert(4)",
    "\u0000nul".replace("\u0000", ""),
    "名前😀",
)


def hostile() -> list[Event]:
    """Every hostile name as dataset, job, column and namespace, in a chain."""
    events = []
    for at, name in enumerate(HOSTILE):
        source = HOSTILE[at - 1] if at else "start"
        columns = {name: [(source, source)]}
        target = typed(name, "TABLE", name, columnLineage=column_lineage(columns))
        events.append(run_event(run_id(at + 1), name, "COMPLETE", at, [typed(source, "TABLE", source)], [target]))
    return events


def many(count: int) -> list[Event]:
    """``count`` datasets in a layered graph that one root reaches."""
    events: list[Event] = []
    per_layer = 70
    for at in range(1, count):
        layer, place = divmod(at, per_layer)
        first = 0 if layer == 0 else (layer - 1) * per_layer + (place * 3) % per_layer
        second = 0 if layer == 0 else (layer - 1) * per_layer + (place * 7 + 1) % per_layer
        inputs = sorted({f"t{first:04d}", f"t{second:04d}"})
        events.append(run_event(run_id(at), f"job_{at:04d}", "COMPLETE", at, inputs, [f"t{at:04d}"]))
    return events
