"""Questions about lineage: ``Lineage(store)`` and the answers it gives."""

from headwater.query.details import Details
from headwater.query.diff import Diff, Difference
from headwater.query.impact import Affected, Impact
from headwater.query.lineage import Lineage
from headwater.query.result import LineageGraph
from headwater.query.why import Why

__all__ = ["Affected", "Details", "Diff", "Difference", "Impact", "Lineage", "LineageGraph", "Why"]
