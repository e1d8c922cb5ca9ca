"""The conformance suite for storage backends.

A backend's whole test file is::

    class TestMyStore(StoreSuite):
        def open_store(self, folder):
            return MyStore.open(folder)

The memory store is the oracle: whatever the order in which a history arrives, the graph hash must be the one that the
memory store gives for the same events.
"""

from __future__ import annotations

from headwater.testing.suite.append import WritingSuite
from headwater.testing.suite.bulk_queries import ManySuite
from headwater.testing.suite.dependencies import DependenciesSuite
from headwater.testing.suite.directory import DirectorySuite
from headwater.testing.suite.graph import GraphSuite
from headwater.testing.suite.objects import ObjectsSuite
from headwater.testing.suite.quarantine import QuarantineSuite
from headwater.testing.suite.regressions import TrapsSuite
from headwater.testing.suite.search import SearchingSuite
from headwater.testing.suite.versions import VersionsSuite
from headwater.testing.suite.whole_store import WholeSuite


class StoreSuite(
    WritingSuite,
    QuarantineSuite,
    ObjectsSuite,
    GraphSuite,
    VersionsSuite,
    ManySuite,
    DependenciesSuite,
    DirectorySuite,
    SearchingSuite,
    TrapsSuite,
    WholeSuite,
):
    """Every promise of the ``Store`` contract. Subclass it and say how a store is opened."""


__all__ = ["StoreSuite"]
