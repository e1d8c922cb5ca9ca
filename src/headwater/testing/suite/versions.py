"""The run level: the versions that runs read and made."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.model.graph import FieldEdge
from headwater.storage.base import Store
from headwater.storage.row_types import DerivationRow, VersionRow
from headwater.testing.events import column_lineage, dataset, facet, lineage, run_event, run_id, schema, whole_run
from headwater.testing.suite.fixture import StoreFixture, body, fill, moment, seconds, the


def fingerprint(text: str) -> dict[str, dict[str, object]]:
    """The facets of a dataset whose content has that fingerprint."""
    return {"headwater_fingerprint": facet(exact=text, file={"sha256": f"sha-{text}"})}


class VersionsSuite(StoreFixture):
    """Versions, derivations and the binding of readers."""

    def test_every_successful_write_is_a_version(self, store: Store) -> None:
        """Latest first, counted from 1, named by the producer's version, else the fingerprint, else the run."""
        named = dataset(
            "t",
            facets={"version": facet(datasetVersion="7"), **fingerprint("f1")},
            outputFacets={"outputStatistics": facet(rowCount=42)},
        )
        fill(
            store,
            whole_run(1, "j", 0, ["a"], ["t"]),
            whole_run(2, "j", 20, ["a"], [dataset("t", facets=fingerprint("f0"))]),
        )
        fill(store, whole_run(3, "j", 40, ["a"], [named]), whole_run(4, "j", 60, ["a"], ["t"], end="FAIL"))
        found = store.versions(the(store, "t").id)
        assert [(row.version, row.ordinal, row.run_id) for row in found] == [
            ("7", 3, run_id(3)),
            ("f0", 2, run_id(2)),
            (run_id(1), 1, run_id(1)),
        ]
        assert (found[0].fingerprint, found[0].row_count, seconds(found[0].created_at)) == ("f1", 42, 50)
        assert [row.ordinal for row in store.versions(the(store, "t").id, as_of=moment(35))] == [2, 1]
        assert [row.ordinal for row in store.versions(the(store, "t").id, limit=1)] == [3]

    def test_a_reader_gets_the_latest_write_before_it_started(self, store: Store) -> None:
        """Not the one that was made while it ran, nor one of a failed run."""
        fill(store, whole_run(1, "w", 0, [], ["t"]), whole_run(2, "w", 20, [], ["t"], end="FAIL"))
        fill(store, whole_run(3, "w", 45, [], ["t"], lasts_s=1), whole_run(4, "r", 40, ["t"], ["o"]))
        (read,), (written,) = store.run_io(run_id(4))
        assert read.run_id == run_id(1)
        assert (written.run_id, written.dataset_id) == (run_id(4), the(store, "o").id)

    def test_a_write_that_arrives_late_binds_its_reader_again(self, store: Store) -> None:
        """First nothing known wrote what was read; the write's arrival changes tables and index."""
        fill(store, whole_run(2, "r", 40, ["t"], ["o"]))
        (read,), (written,) = store.run_io(run_id(2))
        assert (read.run_id, read.version) == ("", "")
        assert len(store.index("run").walk(written.id, direction="upstream").ids) == 3
        fill(store, whole_run(1, "w", 0, ["src"], ["t"]))
        (read,), (written,) = store.run_io(run_id(2))
        assert read.run_id == run_id(1)
        assert len(store.index("run").walk(written.id, direction="upstream").ids) == 5
        assert [row.run_id for row in store.versions(the(store, "t").id)] == [run_id(1)]

    def test_a_reader_that_saw_a_fingerprint_gets_the_write_that_has_it(self, store: Store) -> None:
        """By exact fingerprint, by file digest or by version name, however much was written since."""
        fill(
            store,
            whole_run(
                1, "w", 0, [], [dataset("t", facets={**fingerprint("f1"), "version": facet(datasetVersion="v1")})]
            ),
            whole_run(2, "w", 20, [], [dataset("t", facets=fingerprint("f2"))]),
        )
        seen = [
            fingerprint("f1"),
            {"headwater_fingerprint": facet(file={"sha256": "sha-f1"})},
            {"version": facet(datasetVersion="v1")},
        ]
        for number, facets in enumerate(seen, 3):
            fill(store, whole_run(number, f"r{number}", 40, [dataset("t", facets=facets)], ["o"]))
            (read,), _ = store.run_io(run_id(number))
            assert read.run_id == run_id(1), facets

    def test_content_that_nobody_known_wrote_is_a_state_of_its_own(self, store: Store) -> None:
        """An untracked change of a dataset is seen, shared by its readers, and not taken for the last write."""
        fill(store, whole_run(1, "w", 0, [], [dataset("t", facets=fingerprint("f1"))]))
        for number in (2, 3):
            fill(store, whole_run(number, "r", number * 20, [dataset("t", facets=fingerprint("other"))], ["o"]))
        reads = [store.run_io(run_id(number))[0][0] for number in (2, 3)]
        assert reads[0] == reads[1]
        assert (reads[0].run_id, reads[0].version, seconds(reads[0].created_at)) == ("", "sha-other", 40)
        assert len(store.versions(the(store, "t").id)) == 2
        assert body(store.version_facets(reads[0].id)["headwater_fingerprint"])["exact"] == "other"

    @pytest.mark.parametrize("is_written", [False, True])
    def test_one_file_is_one_state_however_it_is_parsed(self, store: Store, is_written: bool) -> None:
        """Two readers that make different values of a file (dates parsed, a column left out) have read the same state,
        whether a known run wrote it or none, in either order; another content is another state."""

        def seen(exact: str, digest: str) -> dict[str, Any]:
            return dataset("t", facets={"headwater_fingerprint": facet(exact=exact, file={"sha256": digest})})

        if is_written:
            fill(store, whole_run(1, "w", 0, [], [seen("written", "d1")]))
        readers = [("as-text", "d1"), ("as-dates", "d1"), ("as-text", "d2"), ("as-text", "d1")]
        for number, (exact, digest) in enumerate(readers, 2):
            fill(store, whole_run(number, "r", number * 20, [seen(exact, digest)], [f"o{number}"]))
        first, second, other, last = (store.run_io(run_id(number))[0][0].id for number in range(2, 6))
        assert first == second == last != other
        assert store.run_io(run_id(2))[0][0].run_id == (run_id(1) if is_written else "")

    @pytest.mark.parametrize("is_marked", [False, True])
    def test_what_is_known_of_an_unwritten_state_is_what_its_first_reader_saw(
        self, store: Store, is_marked: bool
    ) -> None:
        """However many read it and however they arrive; a run that turns out to have read later is not the first.

        A run that says which content it saw has read it by its end, any other at its start.
        """
        marks = fingerprint("raw") if is_marked else {}

        def saw(number: int) -> dict[str, Any]:
            return dataset("t", facets={**marks, "documentation": facet(description=f"{number}")})

        def first() -> object:
            (read,), _ = store.run_io(run_id(40))
            return body(store.version_facets(read.id)["documentation"])["description"]

        runs = [whole_run(number, "r", 1000 + number * 10, [saw(number)], [f"o{number}"]) for number in range(1, 41)]
        fill(store, *reversed(runs))
        assert first() == "1"
        fill(store, [run_event(run_id(30), "r", "START", 1)])
        assert first() == ("1" if is_marked else "30")
        fill(store, [run_event(run_id(number), "r", "COMPLETE", 5000 + number) for number in range(1, 30)])
        assert first() == "30"

    def test_a_chain_inside_one_run_is_one_path(self, store: Store) -> None:
        """raw -> train set -> model -> predictions, all in one run: each step reads what the run itself made."""
        facets = {"lineage": lineage({"train": ["raw"], "model": ["train"], "predictions": ["model", "raw"]})}
        fill(
            store,
            whole_run(1, "w", 0, [], ["train"]),
            whole_run(2, "j", 20, ["raw", "train", "model"], ["train", "model", "predictions"], job_facets=facets),
        )
        read, written = store.run_io(run_id(2))
        assert {row.dataset_id for row in read} == {the(store, "raw").id}
        assert len(written) == 3
        made = next(row for row in written if row.dataset_id == the(store, "predictions").id)
        walk = store.index("run").walk(made.id, direction="upstream")
        versions = [row for row in store.run_nodes([int(one) for one in walk.ids]) if isinstance(row, VersionRow)]
        assert {row.dataset_id for row in versions} == {
            the(store, name).id for name in ("raw", "train", "model", "predictions")
        }
        assert {row.run_id for row in versions} == {"", run_id(2)}

    def test_a_table_that_is_updated_reads_its_last_state(self, store: Store) -> None:
        """Reading and writing one dataset leads from its last version to the new one, not in a circle."""
        fill(store, whole_run(1, "w", 0, ["src"], ["t"]), whole_run(2, "u", 20, ["t"], ["t"]))
        (read,), (written,) = store.run_io(run_id(2))
        assert (read.run_id, written.run_id) == (run_id(1), run_id(2))
        walk = store.index("run").walk(read.id, direction="downstream")
        assert written.id in walk.ids

    @pytest.mark.parametrize("is_late", [False, True], ids=["in order", "late"])
    def test_what_is_added_to_comes_from_its_last_state_where_that_is_known(self, store: Store, is_late: bool) -> None:
        """A target that names itself as a source, and is not listed as an input, was added to: there is an earlier
        state only where a known run wrote one, whenever its events arrive."""
        adds = {"lineage": lineage({"t": ["a", "t"]})}
        first = whole_run(1, "w", 0, ["src"], ["t"])
        second = whole_run(2, "w", 20, ["a"], ["t"], job_facets=adds)
        if is_late:
            fill(store, second)
            assert {row.dataset_id for row in store.run_io(run_id(2))[0]} == {the(store, "a").id}
            fill(store, first)
        else:
            fill(store, first, second)
        read, (written,) = store.run_io(run_id(2))
        assert {(row.dataset_id, row.run_id) for row in read} == {
            (the(store, "a").id, ""),
            (the(store, "t").id, run_id(1)),
        }
        walk = store.index("run").walk(written.id, direction="upstream")
        versions = [row for row in store.run_nodes([int(one) for one in walk.ids]) if isinstance(row, VersionRow)]
        assert {row.dataset_id for row in versions} == {the(store, name).id for name in ("src", "a", "t")}
        assert [row.run_id for row in store.versions(the(store, "t").id)] == [run_id(2), run_id(1)]

    @pytest.mark.parametrize("is_late", [False, True], ids=["in order", "late"])
    def test_what_is_loaded_and_trained_further_comes_from_both_runs(self, store: Store, is_late: bool) -> None:
        """A model file is loaded, its model fitted on more data, and saved again: the file comes from the model of this
        run, and that from the file as it was. The two runs together show all that was learned from."""
        once = lineage({"model": ["d1"], "file": ["model"]})
        again = lineage({"model": ["d2", "file"], "file": ["model"]})
        runs = [
            whole_run(1, "fit", 0, ["d1"], ["model", "file"], job_facets={"lineage": once}),
            whole_run(2, "fit", 20, ["d2", "file"], ["model", "file"], job_facets={"lineage": again}),
        ]
        for run in reversed(runs) if is_late else runs:
            fill(store, run)
        d1, d2, model, file = (the(store, name).id for name in ("d1", "d2", "model", "file"))
        read, written = store.run_io(run_id(2))
        assert {(row.dataset_id, row.run_id) for row in read} == {(d2, ""), (file, run_id(1))}
        saved = next(row for row in written if row.dataset_id == file)
        walk = store.index("run").walk(saved.id, direction="upstream")
        versions = [row for row in store.run_nodes([int(one) for one in walk.ids]) if isinstance(row, VersionRow)]
        assert {(row.dataset_id, row.run_id) for row in versions} == {
            (d1, ""),
            (d2, ""),
            *((node, run_id(number)) for node in (model, file) for number in (1, 2)),
        }

    def test_outputs_with_the_same_inputs_share_a_derivation(self, store: Store) -> None:
        """One for a plain run, one a group where the job says what feeds what."""
        fill(store, whole_run(1, "j", 0, ["a", "b"], ["x", "y"]))
        explicit = {"lineage": lineage({"x": ["a"], "y": ["b"], "z": ["b"]})}
        fill(store, whole_run(2, "k", 0, ["a", "b"], ["x", "y", "z"], job_facets=explicit))
        steps: dict[str, set[int]] = {}
        for number in (1, 2):
            for version in store.run_io(run_id(number))[1]:
                before = store.index("run").neighbours(version.id, "upstream")
                rows = store.run_nodes([int(one) for one in before])
                assert all(isinstance(row, DerivationRow) for row in rows)
                steps.setdefault(run_id(number), set()).update(row.id for row in rows)
        assert [len(steps[run_id(number)]) for number in (1, 2)] == [1, 2]

    def test_a_derivation_knows_its_columns(self, store: Store) -> None:
        """By the versions that were read."""
        columns = column_lineage({"n": [("a", "id")]})
        fill(store, whole_run(1, "j", 0, ["a"], [dataset("t", facets={"columnLineage": columns})]))
        (read,), (written,) = store.run_io(run_id(1))
        (step,) = store.index("run").neighbours(written.id, "upstream")
        expected = ((read.id, FieldEdge(source_field="id", target_field="n")),)
        assert store.derivation_fields(int(step), written.id) == expected
        assert store.derivation_fields(int(step), read.id) == ()

    def test_a_version_has_the_facets_of_its_write(self, store: Store) -> None:
        """Schema and statistics as they were then, whatever the dataset has now."""
        first = dataset("t", facets={"schema": schema("x")}, outputFacets={"outputStatistics": facet(rowCount=1)})
        second = dataset("t", facets={"schema": schema("x", "y")})
        fill(store, whole_run(1, "j", 0, [], [first]), whole_run(2, "j", 20, [], [second]))
        new, old = store.versions(the(store, "t").id)
        assert len(body(store.version_facets(old.id)["schema"])["fields"]) == 1
        assert body(store.version_facets(old.id)["outputStatistics"]) == {"rowCount": 1}
        assert len(body(store.version_facets(new.id)["schema"])["fields"]) == 2
        assert "outputStatistics" not in store.version_facets(new.id)

    @pytest.mark.parametrize("is_late", [False, True])
    def test_a_run_learns_more_after_it_ended(self, store: Store, is_late: bool) -> None:
        """An input that is told after COMPLETE joins the others in every view."""
        extra = run_event(run_id(1), "j", "RUNNING", 5, ["b"])
        rest = whole_run(1, "j", 0, ["a"], ["t"])
        for events in [rest, [extra]] if is_late else [[extra], rest]:
            fill(store, events)
        read, (written,) = store.run_io(run_id(1))
        assert len(read) == 2
        assert len(store.index("run").walk(written.id, direction="upstream").ids) == 4
        assert len(store.edges(target_id=the(store, "t").id)) == 2
