"""Events that the tests of this folder build on."""

import json

PRODUCER = "https://example.com/emitter"
RUN = "01913e9c-6b9d-7f00-8000-123456789abc"


def facet(stem, /, file=None, version="1-0-0", **body):
    """A facet with the address of its schema."""
    url = f"https://openlineage.io/spec/facets/{version}/{file or stem}.json#/$defs/{stem}"
    return {"_producer": PRODUCER, "_schemaURL": url, **body}


def dataset(name, namespace="db", **facets):
    """A dataset by name, with facets by key."""
    return {"namespace": namespace, "name": name, **({"facets": facets} if facets else {})}


def run_event(*, job_name="job", job_facets=None, event_type="COMPLETE", **changes):
    """A RunEvent; ``changes`` replace members as they stand, ``...`` leaves one out."""
    document = {
        "eventTime": "2026-03-01T12:00:00Z",
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "eventType": event_type,
        "run": {"runId": RUN},
        "job": {"namespace": "sched", "name": job_name, **({"facets": job_facets} if job_facets else {})},
        "inputs": [],
        "outputs": [],
        **changes,
    }
    return {key: value for key, value in document.items() if value is not ...}


def columns(wide=(), /, **fields):
    """A columnLineage facet: field -> [(dataset, field) or (dataset, field, type, subtype)]."""

    def source(name, field, *step):
        body = {"namespace": "db", "name": name, "field": field}
        if step:
            body["transformations"] = [dict(zip(("type", "subtype"), step, strict=False))]
        return body

    body = {"fields": {name: {"inputFields": [source(*item) for item in items]} for name, items in fields.items()}}
    if wide:
        body["dataset"] = [source(*item) for item in wide]
    return facet("ColumnLineageDatasetFacet", version="1-2-0", **body)


def lineage(*entries):
    """A job's lineage facet."""
    return facet("LineageJobFacet", file="LineageFacet", entries=list(entries))


def entry(name, *inputs, **more):
    """A dataset entry of a lineage facet."""
    return {"namespace": "db", "name": name, "type": "DATASET", "inputs": list(inputs), **more}


def source(name, **more):
    """A dataset input of a lineage facet."""
    return {"namespace": "db", "name": name, "type": "DATASET", **more}


def wire(document):
    """The document as bytes."""
    return json.dumps(document).encode()
