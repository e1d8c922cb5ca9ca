"""A small ML project as events, with times and ids of its own: what the tests of the query layer ask about."""

from __future__ import annotations

import json
from typing import Any

DAY = "2026-03-0{day}T10:{minute:02d}:{second:02d}.000000Z"
NOW_US = 1_772_700_000_000_000
"""2026-03-05T08:40:00Z: the clock of every golden file."""
BASE = "/project"
MEMORY = "inmemory://project"
RUN = "0195{day:04x}-{job:04x}-7000-8000-000000000000"

Column = tuple[str, str, str, str]
"""Target column, source (namespace, name) key, source column, way: IDENTITY ... or FILTER, JOIN (indirect)."""

FILES: dict[str, tuple[str, str, str]] = {
    "cells": ("file", f"{BASE}/raw/cells.csv", "FILE"),
    "patients": ("postgres://db:5432", "clinic.public.patients", "TABLE"),
    "clean": ("file", f"{BASE}/work/clean.parquet", "FILE"),
    "features": ("file", f"{BASE}/work/features.parquet", "FILE"),
    "train": (MEMORY, "train.py/train", "IN_MEMORY"),
    "model": ("file", f"{BASE}/models/tumour.pkl", "MODEL"),
    "preds": ("file", f"{BASE}/out/predictions.parquet", "PREDICTIONS"),
    "report": ("file", f"{BASE}/out/report.csv", "FILE"),
}
INDIRECT = {"FILTER", "JOIN", "GROUP_BY", "SORT", "CONDITIONAL"}


def dataset(key: str, **facets: Any) -> dict[str, Any]:
    """Return a dataset of ``FILES`` with its type and these facets."""
    namespace, name, kind = FILES[key]
    return {"namespace": namespace, "name": name, "facets": {"datasetType": {"datasetType": kind}, **facets}}


def output(key: str, rows: int, digest: str, columns: list[str]) -> dict[str, Any]:
    """Return an output with schema, row count and fingerprint."""
    found = dataset(
        key,
        schema={"fields": [{"name": name, "type": "float64"} for name in columns]},
        headwater_fingerprint={"exact": digest, "file": {"sha256": digest * 4, "size_bytes": rows * 10}},
    )
    found["outputFacets"] = {"outputStatistics": {"rowCount": rows}}
    return found


def entry(key: str, inputs: list[str], columns: list[Column]) -> dict[str, Any]:
    """Return an entry of the lineage facet: where an output and its columns come from."""
    namespace, name, _ = FILES[key]
    fields: dict[str, Any] = {}
    for target, source, field, way in columns:
        part = {
            "type": "DATASET",
            "namespace": FILES[source][0],
            "name": FILES[source][1],
            "field": field,
            "transformations": [{"type": "INDIRECT" if way in INDIRECT else "DIRECT", "subtype": way}],
        }
        fields.setdefault(target, {"inputs": []})["inputs"].append(part)
    sources = [{"type": "DATASET", "namespace": FILES[key][0], "name": FILES[key][1]} for key in inputs]
    found: dict[str, Any] = {"type": "DATASET", "namespace": namespace, "name": name, "inputs": sources}
    if fields:
        found["fields"] = fields
    return found


def run_events(
    job: str,
    number: int,
    *,
    day: int,
    operation: str,
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    entries: list[dict[str, Any]],
    state: str = "COMPLETE",
    **run_facets: Any,
) -> list[dict[str, Any]]:
    """Return the START and the final event of one run."""
    run_id = RUN.format(day=day, job=number)
    job_facets = {"jobType": {"processingType": "BATCH", "integration": "PYTHON", "jobType": operation}}
    shared = {
        "producer": "https://headwater.dev/client",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
    }
    facets = {
        "headwater_environment": {
            "python": "3.11.7",
            "platform": "Linux-x86_64",
            "lock_digest": "ab" * 32 if day == 3 else "cd" * 32,
            "distributions": {"pandas": "3.1.0", "scikit-learn": "1.9.0" if day == 3 else "1.9.1"},
        },
        **run_facets,
    }
    start = {
        "eventType": "START",
        "eventTime": DAY.format(day=day, minute=number, second=0),
        "run": {"runId": run_id, "facets": facets},
        "job": {"namespace": "project", "name": job, "facets": job_facets},
        **shared,
    }
    end = {
        "eventType": state,
        "eventTime": DAY.format(day=day, minute=number, second=3),
        "run": {"runId": run_id, "facets": {}},
        "job": {
            "namespace": "project",
            "name": job,
            "facets": {**job_facets, "lineage": {"entries": entries}} if entries else job_facets,
        },
        "inputs": inputs,
        "outputs": outputs,
        **shared,
    }
    return [start, end]


def project(day: int = 3, *, trees: int = 100) -> list[dict[str, Any]]:
    """Return one pass of the project: clean, features, train, predict."""
    tag = f"{day}{trees:03d}"
    raw = ["id", "radius", "texture"]
    events = run_events(
        "clean.py",
        1,
        day=day,
        operation="ETL",
        inputs=[
            dataset(
                "cells",
                schema={"fields": [{"name": name, "type": "float64"} for name in raw]},
                headwater_fingerprint={"exact": "a1" * 8, "file": {"sha256": "a1" * 32, "size_bytes": 9000}},
                ownership={"owners": [{"name": "team:lab", "type": "MAINTAINER"}]},
            ),
            dataset(
                "patients",
                schema={"fields": [{"name": "id", "type": "int"}, {"name": "age", "type": "int"}]},
                tags={"tags": [{"key": "pii", "value": "true"}]},
            ),
        ],
        outputs=[output("clean", 569, "b2" * 8, ["id", "radius", "texture", "age"])],
        entries=[
            entry(
                "clean",
                ["cells", "patients"],
                [
                    ("id", "cells", "id", "IDENTITY"),
                    ("radius", "cells", "radius", "IDENTITY"),
                    ("texture", "cells", "texture", "IDENTITY"),
                    ("age", "patients", "age", "IDENTITY"),
                    ("age", "patients", "id", "JOIN"),
                    ("age", "cells", "id", "JOIN"),
                ],
            )
        ],
    )
    events += run_events(
        "features.py",
        2,
        day=day,
        operation="FEATURE_COMPUTATION",
        inputs=[dataset("clean")],
        outputs=[output("features", 569, "c3" * 8, ["radius_ratio", "texture_z"])],
        entries=[
            entry(
                "features",
                ["clean"],
                [
                    ("radius_ratio", "clean", "radius", "TRANSFORMATION"),
                    ("texture_z", "clean", "texture", "TRANSFORMATION"),
                    ("texture_z", "clean", "age", "FILTER"),
                ],
            )
        ],
    )
    model = {
        "class": "sklearn.ensemble._forest.RandomForestClassifier",
        "hyper_parameters": {"n_estimators": trees, "max_depth": 5},
        "features": ["radius_ratio", "texture_z"],
        "importances": {"texture_z": 0.3125, "radius_ratio": 0.6875},
        "importance_details": {"kind": "impurity", "left_out": 0},
        "preprocessing": [{"name": "scale", "class": "StandardScaler"}],
        "version": tag,
    }
    trained = output("model", 1, f"d{day}" * 8, ["radius_ratio", "texture_z"])
    trained["facets"] |= {"headwater_model": model, "version": {"datasetVersion": tag}}
    del trained["outputFacets"]
    events += run_events(
        "train.py",
        3,
        day=day,
        operation="MODEL_TRAINING",
        inputs=[dataset("features")],
        outputs=[trained],
        entries=[
            entry(
                "model",
                ["features"],
                [
                    ("radius_ratio", "features", "radius_ratio", "TRANSFORMATION"),
                    ("texture_z", "features", "texture_z", "TRANSFORMATION"),
                ],
            )
        ],
        headwater_parameters={"parameters": {"n_estimators": trees, "test_size": 0.25}},
        headwater_metrics={"metrics": [{"name": "auc", "value": 0.971 if trees == 100 else 0.983}]},
        headwater_seeds={"seeds": [{"library": "numpy", "scope": "global", "value": 42, "where": "train.py:7"}]},
        headwater_code={"path": f"{BASE}/train.py", "sha256": "e5" * 32},
        headwater_git={"commit": "3fa2b1c" + "0" * 33, "branch": "main", "dirty": trees != 100},
    )
    events += run_events(
        "predict.py",
        4,
        day=day,
        operation="INFERENCE",
        inputs=[dataset("features"), dataset("model")],
        outputs=[output("preds", 143, f"f{day}" * 8, ["id", "probability"])],
        entries=[
            entry(
                "preds",
                ["features", "model"],
                [
                    ("probability", "features", "radius_ratio", "TRANSFORMATION"),
                    ("probability", "features", "texture_z", "TRANSFORMATION"),
                    ("probability", "model", "radius_ratio", "TRANSFORMATION"),
                ],
            )
        ],
    )
    return events


def report(day: int = 3) -> list[dict[str, Any]]:
    """Return a run that reads the predictions and writes a report, without a word about columns."""
    return run_events(
        "report.py",
        5,
        day=day,
        operation="ETL",
        inputs=[dataset("preds")],
        outputs=[output("report", 2, "99" * 8, ["group", "mean"])],
        entries=[],
    )


def encoded(events: list[dict[str, Any]]) -> list[bytes]:
    """Return events as the bytes that a store takes."""
    return [json.dumps(event).encode() for event in events]
