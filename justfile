# Contributors' commands. `just --list` shows them; the README's two commands need no just.

python := ".venv/bin/python"

# Make or update .venv.
setup:
    python3 dev.py setup

# The checks and the whole suite, as CI runs them.
test *args:
    python3 dev.py test {{args}}

# Linting, formatting, types and import rules.
check:
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    {{python}} -m mypy
    .venv/bin/lint-imports

# Mend what can be mended by a tool.
fix:
    .venv/bin/ruff check --fix .
    .venv/bin/ruff format .

# The long proofs too: crash cycles, larger histories.
long:
    {{python}} -m pytest --long

# Every operation of the API asked many times, with good values and bad ones.
fuzz-api examples="300":
    HEADWATER_API_EXAMPLES={{examples}} {{python}} -m pytest tests/server/test_api_description.py -n 2

# Broken paths, parameters, headers and bodies sent to every operation on every store, then broken events, records and
# bodies to those that take them in.
fuzz inputs="200000" seed="1":
    HEADWATER_FUZZ_INPUTS={{inputs}} HEADWATER_FUZZ_SEED={{seed}} {{python}} -m pytest tests/server/test_hostile.py
    HEADWATER_FUZZ_INPUTS={{inputs}} HEADWATER_FUZZ_SEED={{seed}} {{python}} -m pytest tests/server/test_fuzz_ingest.py

# 10,000 random kill -9 during ingestion.
crash cycles="10000":
    {{python}} benchmarks/crash.py --cycles {{cycles}}

# Every benchmark; results belong under benchmarks/results.
bench:
    uv pip install --quiet --python {{python}} -r requirements/bench.in
    for file in benchmarks/bench_*.py; do {{python}} $file || exit 1; done

# Write the golden files anew; read the diff before committing it.
golden *args:
    HEADWATER_UPDATE_GOLDEN=1 {{python}} -m pytest {{args}}

# Lock the requirements again (hashed; names no host).
lock:
    cd requirements && uv pip compile demo.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o demo.txt
    cd requirements && uv pip compile dev.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -c demo.txt -o dev.txt
    cd requirements && uv pip compile serve.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -c dev.txt -o serve.txt
    cd tests/interop/requirements && for file in *.in; do uv pip compile $file --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o ${file%.in}.txt; done

# Run the demo.
demo:
    python3 dev.py demo

# Record anew what other programs send, in a folder that says nothing of the machine; read the diff before committing it.
interop-record place="/project":
    HEADWATER_INTEROP={{place}} HEADWATER_UPDATE_GOLDEN=1 {{python}} -m pytest tests/interop -m interop
