"""From write requests to the stores: limits, fairness, shared commits, back-pressure, quarantine."""
