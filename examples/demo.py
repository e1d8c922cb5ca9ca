"""The demo: a real ML project is traced with one command, and its lineage is asked the questions that matter.

    python3 dev.py demo [--headless]

Runs the project of ``examples/breast_cancer`` in the folder ``demo`` (made anew each time; ``--folder`` for another)
and shows each command as you would type it. ``--headless`` prints no colours and checks every answer; any failure
gives a non-zero exit code. It needs no network and opens no port.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "examples" / "breast_cancer"
FOLDER = ROOT / "demo"
HEADWATER = Path(sys.executable).with_name("headwater")
YOUR_TURN = {
    "show out/tumour.joblib": "scaled__texture_anomaly",
    "downstream patients": "out/tumour.joblib",
    "history out/predictions.parquet": "predictions.parquet",
    "select 'type:MODEL'": "train.py/classifier",
}
"""What is proposed at the end, and a word of each answer: nothing is proposed that does not work."""


class Demo:
    """Runs commands in the demo's folder, shows them, and remembers what did not hold."""

    def __init__(self, folder: Path, *, headless: bool) -> None:
        self.folder = folder
        self.headless = headless
        self.failures: list[str] = []
        self.environment = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith(("HEADWATER_", "OPENLINEAGE_"))
            },
            **({"NO_COLOR": "1"} if headless else {}),
        }

    def say(self, text: str) -> None:
        """A heading between commands."""
        is_plain = self.headless or not sys.stdout.isatty()
        print(f"\n# {text}" if is_plain else f"\n\033[1m# {text}\033[0m", flush=True)

    def run(self, *arguments: str) -> None:
        """Run ``headwater`` with these arguments, as a user would."""
        print(f"$ headwater {' '.join(arguments)}", flush=True)
        code = subprocess.run([HEADWATER, *arguments], cwd=self.folder, env=self.environment, check=False).returncode
        self.check(code == 0, f"'headwater {' '.join(arguments)}' gave exit code {code}")

    def ask(self, *arguments: str) -> str:
        """The JSON answer of a command, as text; empty when the command failed."""
        command = [HEADWATER, *arguments, "--json"]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        self.check(done.returncode == 0, f"'headwater {' '.join(arguments)} --json' failed: {done.stderr.strip()}")
        return done.stdout

    def check(self, holds: bool, otherwise: str) -> None:
        """Remember what did not hold."""
        if not holds:
            self.failures.append(otherwise)

    def expect(self, answer: str, *words: str) -> None:
        """An answer names all of these."""
        for word in words:
            self.check(word in answer, f"an answer does not name {word!r}: {answer[:200]}")


def main() -> int:
    """Run the demo; 0 when everything held."""
    options = argparse.ArgumentParser(description="Trace a real ML project and ask it questions.")
    options.add_argument("--headless", action="store_true", help="no colours; exit non-zero when anything fails")
    options.add_argument("--folder", type=Path, default=FOLDER, help="where to run it; the folder is made anew")
    arguments = options.parse_args()
    demo = Demo(arguments.folder.resolve(), headless=arguments.headless)
    shutil.rmtree(demo.folder, ignore_errors=True)
    shutil.copytree(PROJECT, demo.folder, ignore=shutil.ignore_patterns("__pycache__"))
    (demo.folder / "headwater.toml").write_text('namespace = "tumour"\n')

    demo.say("Two plain scripts, no line of them changed: export the raw data, then train and predict.")
    demo.run("run", "export.py")
    demo.run("run", "train.py")
    demo.say("Where does the prediction file come from?")
    demo.run("upstream", "out/predictions.parquet")
    demo.say("Why did patient number 17 get that prediction?")
    demo.run("why", "out/predictions.parquet#17")
    demo.say("What breaks if the clinic stops measuring the texture?")
    demo.run("impact", "raw/measurements.csv:mean_texture", "--change", "drop")
    demo.say("Train again with another regularisation. What changed?")
    demo.run("run", "train.py", "--alpha", "0.3")
    second, first = runs(demo)
    demo.run("diff", first, second)
    verify(demo, first, second)
    finish(demo)
    return 1 if demo.failures else 0


def runs(demo: Demo) -> tuple[str, str]:
    """Ids of the two training runs, latest first."""
    ids = [item["run_id"] for item in json.loads(demo.ask("runs", "job:train.py") or "[]")]
    demo.check(len(ids) == 2, f"two training runs were expected, found {len(ids)}")
    second, first, *_ = [*ids, "", ""]
    return second, first


def verify(demo: Demo, first: str, second: str) -> None:
    """The answers hold what the project really did."""
    tree = demo.ask("upstream", "out/predictions.parquet")
    demo.expect(tree, "raw/measurements.csv", "patients", "train.py/tumour", "train.py/train", "breast_cancer")
    why = demo.ask("why", "out/predictions.parquet#17")
    demo.expect(why, "train.py/tumour", "raw/measurements.csv", "alpha", "random_state")
    impact = demo.ask("impact", "raw/measurements.csv:mean_texture", "--change", "drop")
    demo.expect(impact, "scaled__texture_anomaly", "tumour.joblib", "out/predictions.parquet")
    demo.expect(demo.ask("diff", first, second), "alpha", "0.01", "0.3")
    for command, word in YOUR_TURN.items():
        demo.expect(demo.ask(*shlex.split(command)), word)


def finish(demo: Demo) -> None:
    """What to try next, or what went wrong."""
    if demo.failures:
        print("\nfailed:\n" + "\n".join(f"- {failure}" for failure in demo.failures), file=sys.stderr)
        return
    bin_folder = HEADWATER.parent
    folder = os.path.relpath(demo.folder)
    demo.say(f"Your turn. The lineage is in {folder}/.headwater; for example:")
    print(f"  cd {folder} && export PATH={os.path.relpath(bin_folder, demo.folder)}:$PATH")
    print("  headwater ui                      # the same in the browser")
    for command in YOUR_TURN:
        print(f"  headwater {command}")


if __name__ == "__main__":
    sys.exit(main())
