"""What capture emits is what the specifications say: our facets by our schemas, the rest readable as OpenLineage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

jsonschema = pytest.importorskip("jsonschema")
pytest.importorskip("sklearn")

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import joblib, json, sys
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

people = pd.DataFrame({"age": range(40), "pay": [i % 7 for i in range(40)], "buys": [i % 2 for i in range(40)]})
people.to_csv("people.csv", index=False)
people = pd.read_csv("people.csv")
X_train, X_test, y_train, y_test = train_test_split(people[["age", "pay"]], people["buys"], random_state=1)
buyer = LogisticRegression().fit(X_train, y_train)
joblib.dump(buyer, "buyer.joblib")
X_test.assign(buys=buyer.predict(X_test)).to_csv("predicted.csv", index=False)
accuracy_score(y_test, buyer.predict(X_test))
if "--fail" in sys.argv:
    raise RuntimeError("on purpose")
"""


@pytest.fixture(scope="module", params=[[], ["--fail"]], ids=["ends well", "fails"])
def ended(request, new_project):
    """The project after the script has run, once for all tests; and whether it was to fail. They only look at it."""
    project = new_project()
    project.write("train.py", SCRIPT)
    ended = project.captured("train.py", *request.param)
    assert ended.code == (1 if request.param else 0)
    return project, bool(request.param)


@pytest.fixture(scope="module")
def schemas():
    """Our facets' schemas by name, with every reference to the core specification left open."""

    def local(node):
        if isinstance(node, dict):
            if str(node.get("$ref", "")).startswith("https://openlineage.io/"):
                return {}
            return {key: local(value) for key, value in node.items()}
        return [local(item) for item in node] if isinstance(node, list) else node

    return {path.stem: local(json.loads(path.read_text())) for path in (ROOT / "spec").glob("headwater_*.json")}


def facets_of(event):
    """Every facet of an event, by name."""
    holders = [event["run"]["facets"], event["job"]["facets"]]
    for dataset in [*event["inputs"], *event["outputs"]]:
        holders += [dataset[key] for key in ("facets", "inputFacets", "outputFacets") if key in dataset]
    return [(name, body) for holder in holders for name, body in holder.items()]


def test_events_follow_the_specifications(ended, schemas):
    """Each facet of ours fits its schema, each facet says who made it and by which schema, each event can be read."""
    from headwater.formats.openlineage import decode

    project, _ = ended
    seen = set()
    for event in project.events:
        decode(json.dumps(event).encode())
        for name, body in facets_of(event):
            assert body["_producer"], name
            assert body["_schemaURL"].startswith("https://"), name
            if name.startswith("headwater_"):
                seen.add(name)
                jsonschema.Draft202012Validator(schemas[name]).validate({name: body})
    assert {"headwater_code", "headwater_environment", "headwater_outcome", "headwater_fingerprint"} <= seen
    assert {"headwater_model", "headwater_split", "headwater_seeds", "headwater_operations"} <= seen


def test_a_failed_run_keeps_what_was_seen(ended):
    """The last event is FAIL with the error, and still holds lineage, metrics and seeds, as that of a run that ended
    well does."""
    project, has_failed = ended
    last = project.events[-1]
    assert last["eventType"] == ("FAIL" if has_failed else "COMPLETE")
    if has_failed:
        assert "on purpose" in last["run"]["facets"]["errorMessage"]["message"]
    targets = {entry["name"].rpartition("/")[2] for entry in last["job"]["facets"]["lineage"]["entries"]}
    assert {"people.csv", "train", "test", "buyer", "buyer.joblib", "predicted.csv"} <= targets
