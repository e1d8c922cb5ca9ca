"""Ctrl-C while a store reads or writes: it reaches the caller, and the store goes on with the next call."""

from __future__ import annotations

import pytest
from store_opening import NewStore

from headwater.storage.memory import MemoryStore
from headwater.testing.events import raw, whole_run


@pytest.mark.parametrize("new_store", ["sqlite", "postgres"], indirect=True)
def test_an_interrupt_right_after_a_transaction_has_begun(new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the interrupt that the caller gets, no error of the database, and no transaction stays open."""
    before, after = raw(whole_run(1, "j", 10, ["a"], ["b"])), raw(whole_run(2, "j", 20, ["b"], ["c"]))
    with MemoryStore.open() as undisturbed:
        undisturbed.append([*before, *after])
        expected = undisturbed.graph_hash()
    with new_store() as store:
        store.append(before)
        begin = store._begin

        def interrupted(*args: object, **named: object) -> None:
            begin(*args, **named)
            raise KeyboardInterrupt

        for act in (lambda: store.append(after), store.rebuild, store.statistics):
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(store, "_begin", interrupted)
                act()
        assert store.statistics().events == 2
        store.append(after)
        assert store.graph_hash() == expected
