"""Queries about lineage: ``Lineage(store)`` and the types of its answers."""

from headwater.query.api import LineageAPI
from headwater.query.details import Details
from headwater.query.diff import Diff, Difference
from headwater.query.impact import Affected, Impact
from headwater.query.lineage import Lineage
from headwater.query.result import LineageGraph
from headwater.query.why import Why

__all__ = ["Affected", "Details", "Diff", "Difference", "Impact", "Lineage", "LineageAPI", "LineageGraph", "Why"]
