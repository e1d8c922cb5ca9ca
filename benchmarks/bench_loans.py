"""What capture costs and what it gets, on the loans script: plain, under ``headwater run``, under MLflow's autolog.

    python benchmarks/bench_loans.py [--rounds 5] [--rows 20000 200000] [--no-mlflow]

Prints the processor time of the whole process against the plain script's (interleaved, medians), whether every file is
byte-identical, and which of the twelve facts are there in full, each checked against the script itself.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "loans" / "train.py"
FILES = ("model.pkl", "preds.csv", "metrics.json")
LIMITS = {20_000: 1.15, 200_000: 1.05}
SEED = 1
MLFLOW = "import mlflow, runpy; mlflow.autolog(); runpy.run_path('train.py', run_name='__main__')"


def make_loans(path: Path, rows: int) -> None:
    """Write the raw file."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(SEED)
    income, debt = random.lognormal(10.5, 0.5, rows).round(2), random.lognormal(9, 0.8, rows).round(2)
    frame = pd.DataFrame({"loan_id": np.arange(rows), "income": income, "debt": debt})
    frame["region"] = random.choice(list("abcdef"), rows)
    frame["defaulted"] = (debt / income + random.normal(0, 0.3, rows) > 0.6).astype(int)
    frame.loc[random.random(rows) < 0.03, "income"] = np.nan
    frame.to_csv(path, index=False)


def commands(folder: Path, with_mlflow: bool) -> dict[str, list[str]]:
    """What is run, by name."""
    found = {
        "plain": [sys.executable, "train.py"],
        "headwater": [str(Path(sys.executable).with_name("headwater")), "run", "train.py"],
    }
    if with_mlflow:
        found["mlflow autolog"] = [sys.executable, "-W", "ignore", "-c", MLFLOW]
    del folder
    return found


def run(command: list[str], folder: Path) -> tuple[float, str]:
    """Processor seconds (user and system, children included) and standard output of one run."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HEADWATER_", "OPENLINEAGE_"))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as a user's machine: the first round, not counted, compiles
    environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"{command} gave {process.returncode}"
        out.seek(0)
        return usage.ru_utime + usage.ru_stime, out.read().decode()


def measure(rows: int, rounds: int, with_mlflow: bool) -> tuple[dict[str, float], dict[str, bool], Path]:
    """Median seconds, whether files and output are as in the plain run, and the folder of the captured one."""
    base = Path(tempfile.mkdtemp(prefix="loans-"))
    make_loans(base / "loans.csv", rows)
    seconds: dict[str, list[float]] = {}
    digests: dict[str, Any] = {}
    for name in commands(base, with_mlflow):
        (base / name).mkdir()
        shutil.copy(base / "loans.csv", base / name)
        shutil.copy(SCRIPT, base / name)
    for _ in range(rounds + 1):
        for name, command in commands(base, with_mlflow).items():
            spent, printed = run(command, base / name)
            seconds.setdefault(name, []).append(spent)
            files = [hashlib.sha256((base / name / file).read_bytes()).hexdigest() for file in FILES]
            digests[name] = (files, printed)
    same = {name: digest == digests["plain"] for name, digest in digests.items()}
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}, same, base / "headwater"


def facts(folder: Path) -> dict[str, bool]:
    """The twelve facts, each compared with what the script really did."""
    sys.path.insert(0, str(HERE))
    from loans_facts import CHECKS, Captured

    captured = Captured(folder)
    return {name: _holds(check, captured) for name, check in CHECKS.items()}


def _holds(check: Callable[[Any], bool], captured: Any) -> bool:
    try:
        return bool(check(captured))
    except (KeyError, IndexError, AttributeError, StopIteration):
        return False


def main() -> None:
    """Run and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000])
    options.add_argument("--no-mlflow", action="store_true")
    options.add_argument("--json", action="store_true")
    arguments = options.parse_args()
    with_mlflow = not arguments.no_mlflow and importlib.util.find_spec("mlflow") is not None
    results: dict[str, Any] = {"seed": SEED, "rounds": arguments.rounds}
    for rows in arguments.rows:
        seconds, same, folder = measure(rows, arguments.rounds, with_mlflow)
        plain = seconds["plain"]
        print(f"\n{rows:,} rows, processor time of the whole process, median of {arguments.rounds}, interleaved")
        for name, spent in seconds.items():
            limit = f"  (at most {LIMITS[rows]}x)" if name == "headwater" and rows in LIMITS else ""
            identical = "files and output identical" if same[name] else "files or output differ"
            print(f"  {name:<16}{spent:7.2f} s  {spent / plain:5.2f}x  {identical}{limit}")
        results[str(rows)] = {"seconds": seconds, "same": same}
        if rows == arguments.rows[0]:
            found = facts(folder)
            results["facts"] = found
            print(f"  facts in full: {sum(found.values())} of {len(found)}  (at least 10)")
            for name, holds in found.items():
                print(f"    {'yes' if holds else 'NO '}  {name}")
        shutil.rmtree(folder.parent)
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
