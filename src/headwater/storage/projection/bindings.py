"""The run level: the version of each dataset that a run read, and the versions that it made from them.

A run that counts leaves a version of every dataset it wrote, and a derivation for every group of outputs with the same
inputs. The version that it read is, in this order:
1. its own, if another of its derivations wrote the dataset first (a chain inside one process);
2. the latest write no later than the run's end with the mark (version, file digest or fingerprint) that the run saw;
   else the one with it that its parent left (a script writes, a step of it reads); else an unwritten state with it;
3. the latest successful write no later than the run's start; before the first write, an unwritten state.
An unwritten state is a version that no known run wrote. A write that arrives late rebinds the runs that read after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from headwater.formats.dataset_facets import DatasetVersion, try_facet
from headwater.formats.run_facets import DataQualityMetrics, OutputStatistics
from headwater.storage.projection.facet_sets import FacetSets, marks_of, read_fingerprint
from headwater.storage.projection.names import Names
from headwater.storage.projection.records import Derivation, Run, Version
from headwater.storage.projection.run_documents import RunDoc, Settled, Touched
from headwater.storage.projection.run_plans import Plan, Plans
from headwater.storage.projection.runs import Runs
from headwater.storage.projection.tables import Tables

END_OF_TIME = 2**62
_MOST_ROWS = 2**63
_CACHE_SIZE = 20_000
_A_PAIR = 2
_MORE = 8


class Bindings:
    """Keeps versions and derivations."""

    def __init__(self, tables: Tables, names: Names, sets: FacetSets, runs: Runs, plans: Plans) -> None:
        self._tables = tables
        self._names = names
        self._plans = plans
        self._sets = sets
        self._runs = runs
        #: dataset node -> mark -> instants at which a version appeared, vanished or moved
        self._moved: dict[int, dict[str, set[int]]] = {}
        self._loose: set[int] = set()
        #: id of the unwritten state by (dataset, mark)
        self._unwritten: dict[tuple[int, str], int] = {}

    def clear(self) -> None:
        """Drop everything pending: the batch was rolled back."""
        self._moved.clear()
        self._loose.clear()
        self._unwritten.clear()

    # -- one run ---------------------------------------------------------------------------------------------------
    def settle(self, run: Run, doc: RunDoc, settled: Settled, plan: Plan) -> None:
        """Create the versions and derivations of a run that counts; updates ``settled``, which has the earlier ones."""
        for node in [node for node in settled.versions if node not in plan.written]:
            self._drop_version(node, settled.versions.pop(node))
        settled.reads = plan.reads
        made: list[int] = []
        for index, (group, own) in enumerate(plan.groups):
            bound = [
                (settled.versions[source] if source in own else self._bind(source, run, doc, plan), mapping)
                for source, mapping in group.sources
            ]
            inputs = [(version, mapping) for version, mapping in bound if version]
            old = self._old_derivation(settled, index) if settled.derivations else None
            step = old.id if old is not None else self._tables.next_id("step")
            outputs = [self._version(node, run, doc, settled, plan) for node in group.targets]
            made.append(step)
            if old is not None and (old.inputs, old.outputs) == (inputs, outputs):
                continue
            new = Derivation(id=step, run=run.id, job=settled.job, inputs=inputs, outputs=outputs)
            if old is not None:
                self._loose.update(version for version, _ in old.inputs)
                self._tables.rewrites.changed(old, new)
            self._tables.derivations.put(new)
        for gone in settled.derivations[len(made) :]:
            self._drop_derivation(gone)
        settled.derivations = made

    def _old_derivation(self, settled: Settled, index: int) -> Derivation | None:
        return self._tables.derivations.get(settled.derivations[index]) if index < len(settled.derivations) else None

    def retract(self, settled: Settled) -> None:
        """Remove the versions and derivations of a run."""
        for step in settled.derivations:
            self._drop_derivation(step)
        for node, version in settled.versions.items():
            self._drop_version(node, version)

    def _drop_derivation(self, step: int) -> None:
        row = self._tables.derivations.get(step)
        if row is not None:
            self._loose.update(version for version, _ in row.inputs)
            self._tables.rewrites.changed(row, None)
            self._tables.derivations.drop(step)

    # -- reading ---------------------------------------------------------------------------------------------------
    def _bind(self, dataset: int, run: Run, doc: RunDoc, plan: Plan) -> int:
        """The version of a dataset that a run read; 0 if it only appended to an unwritten state."""
        node = self._names.by_id(dataset)
        listed = plan.inputs.get(dataset)
        marks = self.marks([doc.inputs[name] for name in listed]) if listed else ()
        until = _end_of(run) if marks else run.started_at
        if until > node.read_until:
            node.read_until = until
            self._names.changed[node.id] = node
        for mark in marks or ("",):
            self._tables.reads.add(dataset, _number(mark), until, run.id)
        if not marks and node.head and node.head_at <= run.started_at and node.head_run != run.run_id:
            return node.head
        found = self.find(dataset, run, marks) or self._of_parent(dataset, run, marks)
        return found.id if found is not None else self._unwritten_state(dataset, run, marks, plan)

    def _of_parent(self, dataset: int, run: Run, marks: tuple[str, ...]) -> Version | None:
        """The version with a mark that the parent of a run left. It may yet appear, whenever the parent ends."""
        if not marks or run.parent_run in ("", run.run_id):
            return None
        node = self._names.by_id(dataset)
        if node.read_until < END_OF_TIME:
            node.read_until = END_OF_TIME
            self._names.changed[node.id] = node
        for mark in marks:
            self._tables.reads.add(dataset, _number(mark), END_OF_TIME, run.id)
        parent = self._runs.find(run.parent_run)
        settled = self._runs.doc(parent).settled if parent is not None else None
        left = self._tables.versions.get(settled.versions.get(dataset, 0)) if settled is not None else None
        return left if left is not None and not set(marks).isdisjoint(_marks(left)) else None

    def _unwritten_state(self, dataset: int, run: Run, marks: tuple[str, ...], plan: Plan) -> int:
        if dataset in plan.written and dataset not in plan.inputs:
            return 0
        return self._unknown(dataset, marks[0] if marks else "", run.started_at)

    def find(self, dataset: int, run: Run, marks: tuple[str, ...]) -> Version | None:
        """The version written by another run that a run read; None if no known run wrote it."""
        tables = self._tables
        node = self._names.by_id(dataset)
        if not node.head:
            return None
        if marks:
            end = _end_of(run)
            head = tables.versions.get(node.head)
            if head is not None and head.run_id != run.run_id and head.created_at <= end and marks[0] in _marks(head):
                return head
            found = (tables.version_before(dataset, end, run_id=run.run_id, tag=mark) for mark in marks)
            return next((version for version in found if version is not None), None)
        if node.head_at <= run.started_at and node.head_run != run.run_id:
            return tables.versions.get(node.head)
        return tables.version_before(dataset, run.started_at, run_id=run.run_id)

    def by_node(self, touched: dict[int, Touched]) -> dict[int, list[Touched]]:
        """What was stated about each dataset, in the order of its names."""
        return {node: [touched[name] for name in names] for node, names in self._plans.by_node(touched).items()}

    def marks(self, seen: list[Touched]) -> tuple[str, ...]:
        """The version name, file digest and fingerprint under which a run saw a dataset, if given."""
        if len(seen) == 1 and not seen[0].extras:  # nearly always
            statements = seen[0].statements
            if len(statements) < 2:
                return self._sets.by_id(statements[0].facets).marks() if statements else ()
        return marks_of(*map(self._identities, seen))

    def _identities(self, touched: Touched) -> tuple[str, str, str]:
        if len(touched.statements) == 1 and not touched.extras:
            return self._sets.by_id(touched.statements[0].facets).identities()
        version = exact = digest = ""
        for statement in touched.statements:
            found = self._sets.by_id(statement.facets).identities()
            version, exact, digest = found[0] or version, found[1] or exact, found[2] or digest
        if "headwater_fingerprint" in touched.extras or "version" in touched.extras:
            raw = {name: msgspec.Raw(extra.body) for name, extra in touched.extras.items()}
            given = try_facet(raw, DatasetVersion)
            more = read_fingerprint(raw)
            version = given.dataset_version if given else version
            exact, digest = more[0] or exact, more[1] or digest
        return version, exact, digest

    def _unknown(self, dataset: int, tag: str, read_at: int) -> int:
        """The unwritten state with that mark, which is as old as its first reader.

        Answers show it as its first reader described it, and this run may be that one.
        """
        self._tables.touched.add(dataset)
        known = self._unwritten.get((dataset, tag))
        row = self._tables.versions.get(known) if known else None
        if row is None:
            rows = self._tables.versions.where(dataset=dataset, run=0, tag=tag)
            row = next((row for row in rows if row.tag == tag), None)
        if row is None:
            row = Version(id=self._tables.next_id("step"), dataset=dataset, created_at=read_at, tag=tag)
        elif row.created_at <= read_at:
            self._unwritten[dataset, tag] = row.id
            return row.id
        if len(self._unwritten) >= _CACHE_SIZE:
            self._unwritten.clear()
        self._unwritten[dataset, tag] = row.id
        row.created_at = read_at
        self._tables.versions.put(row)
        return row.id

    # -- writing ---------------------------------------------------------------------------------------------------
    def _version(self, dataset: int, run: Run, doc: RunDoc, settled: Settled, plan: Plan) -> int:
        listed = plan.outputs.get(dataset, ())
        version, exact, digest, rows = self._described([doc.outputs[name] for name in listed])
        old_id = settled.versions.get(dataset)
        old = self._tables.versions.get(old_id) if old_id else None
        row = Version(
            id=old.id if old is not None else self._tables.next_id("step"),
            dataset=dataset,
            created_at=settled.at,
            run=run.id,
            run_id=run.run_id,
            job=settled.job,
            tag=version,
            fingerprint=exact,
            file_digest=digest,
            row_count=rows,
            shape=plan.written[dataset],
        )
        if old is not None and old == row:
            return row.id
        self._tables.versions.put(row)
        settled.versions[dataset] = row.id
        self._placed(row, old)
        return row.id

    def _described(self, given: list[Touched]) -> tuple[str, str, str, int | None]:
        version = exact = digest = ""
        rows: int | None = None
        for touched in given:
            found = self._identities(touched)
            version, exact, digest = version or found[0], exact or found[1], digest or found[2]
            rows = _rows(touched) if rows is None else rows
        return version, exact, digest, rows

    def _placed(self, row: Version, old: Version | None) -> None:
        """A version is new or changed: update the head of its dataset, and mark its possible readers for rebinding."""
        node = self._names.by_id(row.dataset)
        if old is not None and old.id == node.head:
            self._find_head(row.dataset)
        elif not node.head or (row.created_at, row.run_id) > (node.head_at, node.head_run):
            node.head, node.head_at, node.head_run = row.id, row.created_at, row.run_id
            self._names.changed[node.id] = node
        for version in (row, old) if old is not None else (row,):
            self._note_move(version)

    def _drop_version(self, dataset: int, version: int) -> None:
        row = self._tables.versions.get(version)
        if row is not None:
            self._tables.versions.drop(version)
            self._note_move(row)
            if self._names.by_id(dataset).head == version:
                self._find_head(dataset)

    def _note_move(self, version: Version) -> None:
        if version.created_at <= self._names.by_id(version.dataset).read_until:
            moved = self._moved.setdefault(version.dataset, {})
            for mark in {"", *_marks(version)}:
                moved.setdefault(mark, set()).add(version.created_at)

    def _find_head(self, dataset: int) -> None:
        node = self._names.by_id(dataset)
        row = self._tables.version_before(dataset, END_OF_TIME, run_id="")
        node.head, node.head_at, node.head_run = (row.id, row.created_at, row.run_id) if row else (0, 0, "")
        self._names.changed[node.id] = node

    # -- rebinding -------------------------------------------------------------------------------------------------
    def rebind(self) -> None:
        """Rebind the runs that read a dataset after a version that appeared, vanished or moved."""
        again: set[int] = set()
        for dataset, instants in self._moved.items():
            again.update(*(self._who_read(dataset, mark, at) for mark, some in instants.items() for at in some))
        moved = set(self._moved)
        self._moved.clear()
        for run_number in sorted(again):
            run = self._tables.runs.get(run_number)
            settled = self._runs.doc(run).settled if run is not None else None
            if run is not None and settled is not None and moved.intersection(settled.reads):
                doc = self._runs.doc(run)
                self.settle(run, doc, settled, self._plans.of(doc, doc.job_at, doc.job_key))
                self._runs.changed(run)
        self._tidy()

    def _tidy(self) -> None:
        """Drop unwritten states without readers; the others are as old as their first reader."""
        for version in sorted(self._loose):
            row = self._tables.versions.get(version)
            if row is None or row.run:
                continue
            self._tables.touched.add(row.dataset)
            first = self._first_start(row)
            if first is None:
                self._tables.versions.drop(version)
                self._unwritten.pop((row.dataset, row.tag), None)
            elif row.created_at != first:
                row.created_at = first
                self._tables.versions.put(row)
        self._loose.clear()

    def _first_start(self, row: Version) -> int | None:
        """When the first reader of an unwritten state started; None without readers."""
        if row.tag:  # its readers are in the order of their ends
            return min((run.started_at for run in self._readers_of(row)), default=None)
        first = self.first_readers([row]).get(row.id)
        return None if first is None else first.started_at

    def _who_read(self, dataset: int, mark: str, at: int) -> list[int]:
        """Runs that may read a version made at an instant, with a mark or none.

        Without a mark, a run reads the last version before it that is not its own; of two later ones, one is not.
        """
        last = END_OF_TIME if mark else self._tables.second_write_after(dataset, at)
        return self._tables.reads.between(dataset, _number(mark), at, END_OF_TIME if last is None else last)

    def first_readers(self, rows: Sequence[Version]) -> dict[int, Run]:
        """The first reader of each of these unwritten states, by id; of several at one instant, the one with the lowest
        run id.
        Does not scan all readers, and nearly always takes only a few statements for all states together.
        """
        wanted = [(row.dataset, _number(row.tag), row.created_at) for row in rows]
        pages = self._tables.reads.earliest_of_each(wanted, _A_PAIR)
        self._fetch({number for page in pages for _, number in page})
        found = {row.id: self._first_of(row, page) for row, page in zip(rows, pages, strict=True)}
        return {key: run for key, run in found.items() if run is not None}

    def _fetch(self, numbers: set[int]) -> None:
        """Prefetch these runs and their derivations."""
        states = [self._runs.doc(run).settled for run in self._tables.runs.get_many(numbers)]
        self._tables.derivations.get_many({step for state in states if state is not None for step in state.derivations})

    def _first_of(self, row: Version, page: list[tuple[int, int]]) -> Run | None:
        """The first reader of a state, given the first two of its possible readers."""
        limit = _A_PAIR
        while True:
            found: list[tuple[int, Run]] = []
            for at, number in page:
                if found and at > found[0][0]:
                    return _least(found)
                run = self._tables.runs.get(number)
                # A run whose time changed is also recorded at its former instants.
                if run is not None and at == (_end_of(run) if row.tag else run.started_at) and self._has_read(run, row):
                    found.append((at, run))
            if len(page) < limit:
                return _least(found)
            limit *= _MORE
            page = self._tables.reads.earliest(row.dataset, _number(row.tag), row.created_at, limit)

    def _readers_of(self, row: Version) -> list[Run]:
        """The readers of an unwritten state with a mark."""
        runs = (self._tables.runs.get(number) for number in self._who_read(row.dataset, row.tag, row.created_at))
        return [run for run in runs if run is not None and self._has_read(run, row)]

    def _has_read(self, run: Run, row: Version) -> bool:
        settled = self._runs.doc(run).settled
        if settled is None or row.dataset not in settled.reads:
            return False
        steps = [self._tables.derivations.get(step) for step in settled.derivations]
        return any(step is not None and row.id in {version for version, _ in step.inputs} for step in steps)


def _number(mark: str) -> int:
    """A mark as a number for the table of reads: 0 for none. A collision only yields more candidates."""
    return int.from_bytes(blake2b(mark.encode(), digest_size=7).digest()) if mark else 0


def _least(found: list[tuple[int, Run]]) -> Run | None:
    return min((run for _, run in found), key=lambda run: run.run_id, default=None)


def _end_of(run: Run) -> int:
    return run.started_at if run.ended_at is None else max(run.ended_at, run.started_at)


def _marks(version: Version) -> tuple[str, str, str]:
    return version.tag, version.fingerprint, version.file_digest


def _raw(touched: Touched) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(extra.body) for name, extra in touched.extras.items()}


def _rows(touched: Touched) -> int | None:
    """The number of rows written, if the producer states it and a database can hold it."""
    found = _stated_rows(touched) if touched.extras else None
    return found if found is None or -_MOST_ROWS <= found < _MOST_ROWS else None


def _stated_rows(touched: Touched) -> int | None:
    stated = [touched.extras[name] for name in ("outputStatistics",) if name in touched.extras]
    raw = {"outputStatistics": msgspec.Raw(stated[0].body)} if stated else _raw(touched)
    statistics = try_facet(raw, OutputStatistics)
    if statistics is not None and statistics.row_count is not None:
        return statistics.row_count
    metrics = try_facet(_raw(touched), DataQualityMetrics)
    return metrics.row_count if metrics is not None else None
