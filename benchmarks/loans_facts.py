"""The twelve facts of the loans script, each checked against what the script really did."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any


class Captured:
    """What the store knows of the captured run, and the files the script left."""

    def __init__(self, folder: Path) -> None:
        from headwater.storage.open import open_store

        self.folder = folder
        with open_store(folder / ".headwater", read_only=True) as store:
            self.events = [json.loads(event.body) for event in store.events()]
        last = self.events[-1]["run"]["runId"]
        mine = [event for event in self.events if event["run"]["runId"] == last]
        self.events = sorted(mine, key=lambda event: event["eventTime"])
        self.end = next(event for event in self.events if event["eventType"] == "COMPLETE")
        self.run: dict[str, Any] = {}
        for event in self.events:
            self.run.update(event["run"]["facets"])

    def dataset(self, name: str) -> dict[str, Any]:
        """Facets of a dataset of the last event, by the last part of its name."""
        both = [*self.end["inputs"], *self.end["outputs"]]
        return next(item["facets"] for item in both if item["name"].rpartition("/")[2] == name)

    def entry(self, name: str) -> dict[str, Any]:
        """The lineage entry of a target."""
        entries = self.end["job"]["facets"]["lineage"]["entries"]
        return next(entry for entry in entries if entry["name"].rpartition("/")[2] == name)

    def sources(self, name: str) -> set[str]:
        """Datasets that feed a target, known and not inferred."""
        inputs = self.entry(name)["inputs"]
        sure = [i for i in inputs if not any(t["type"] == "INFERRED" for t in i.get("transformations", []))]
        return {item["name"].rpartition("/")[2] for item in sure}

    def columns(self, name: str, field: str) -> set[str]:
        """Source columns of a field."""
        return {item["field"] for item in self.entry(name)["fields"][field]["inputs"]}

    def sha256(self, name: str) -> str:
        """The digest of a file as it is."""
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest()

    def file_digest(self, name: str) -> str:
        """The digest that was captured."""
        digest: str = self.dataset(name)["headwater_fingerprint"]["file"]["sha256"]
        return digest


def _input_file(c: Captured) -> bool:
    return c.file_digest("loans.csv") == c.sha256("loans.csv")


def _model_file(c: Captured) -> bool:
    return c.file_digest("model.pkl") == c.sha256("model.pkl") and c.sources("model.pkl") == {"model"}


def _predictions(c: Captured) -> bool:
    made_by = c.dataset("preds.csv")["headwater_predictions"]["model"]["version"]
    is_same = made_by == c.dataset("model")["headwater_model"]["version"]
    return (
        is_same and {"model", "test"} <= c.sources("preds.csv") and c.file_digest("preds.csv") == c.sha256("preds.csv")
    )


def _metric(c: Captured) -> bool:
    auc = json.loads((c.folder / "metrics.json").read_text())["auc"]
    metrics = c.run["headwater_metrics"]["metrics"]
    return any(m["value"] == auc and m["dataset"]["name"].endswith("/test") for m in metrics)


def _set(c: Captured, name: str, rows: int) -> bool:
    facets = c.dataset(name)
    return len(facets["headwater_fingerprint"]["exact"]) == 32 and facets["headwater_split"]["rows"] == rows


def _rows(c: Captured) -> tuple[int, int, int]:
    """Rows read, kept by dropna, and in the test set, counted from the raw file."""
    import pandas as pd

    raw = pd.read_csv(c.folder / "loans.csv")
    kept = len(raw.dropna())
    return len(raw), kept, -(-kept // 4)


def _train(c: Captured) -> bool:
    _, kept, test = _rows(c)
    return _set(c, "train", kept - test)


def _test(c: Captured) -> bool:
    return _set(c, "test", _rows(c)[2])


def _edge_to_train(c: Captured) -> bool:
    return c.sources("train") == {"loans.csv"}


def _derivations(c: Captured) -> bool:
    dti = c.columns("train", "dti") == {"debt", "income"}
    decides = {i.get("field") for i in c.entry("train")["inputs"]}
    relative = c.columns("train", "rel_income") | (decides & {"region"})
    return dti and relative == {"income", "region"}


def _dropped(c: Captured) -> bool:
    read, kept, _ = _rows(c)
    steps = c.run["headwater_operations"]["operations"]
    script = (c.folder / "train.py").read_text().splitlines()
    line = next(number for number, text in enumerate(script, start=1) if "dropna" in text)
    return any(
        (s.get("rows_in"), s.get("rows_out"), s["code"]["line"]) == (read, kept, line) for s in steps if "code" in s
    )


def _parameters(c: Captured) -> bool:
    model = pickle.loads((c.folder / "model.pkl").read_bytes())
    plain = {k: v for k, v in model.get_params().items() if v is None or isinstance(v, bool | int | float | str)}
    known = c.dataset("model")["headwater_model"]["hyper_parameters"]
    seeds = {(s["scope"], s["value"]) for s in c.run["headwater_seeds"]["seeds"]}
    wanted = {("train_test_split.random_state", 7), ("Pipeline.forest__random_state", 3)}
    return all(known.get(k) == v for k, v in plain.items()) and wanted <= seeds


def _code(c: Captured) -> bool:
    return c.sha256("train.py") in json.dumps(c.run["headwater_code"])


def _environment(c: Captured) -> bool:
    packages = {name.lower().replace("_", "-"): v for name, v in c.run["headwater_environment"]["packages"].items()}
    installed = {d.metadata["Name"].lower().replace("_", "-"): d.version for d in distributions()}
    return installed.items() <= packages.items()


CHECKS: dict[str, Callable[[Captured], bool]] = {
    "F1 input file and its content hash": _input_file,
    "F2 model file tied to the run": _model_file,
    "F3 predictions tied to the run that made them": _predictions,
    "F4 the test metric": _metric,
    "F5 identity of the train set": _train,
    "F6 identity of the test set": _test,
    "F7 edge from input to train set": _edge_to_train,
    "F8 column derivation": _derivations,
    "F9 rows dropped, and where": _dropped,
    "F10 hyper-parameters and seeds, the split's too": _parameters,
    "F11 the exact code": _code,
    "F12 the whole environment": _environment,
}
