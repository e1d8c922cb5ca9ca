"""From requests that write to the stores: limits, fairness, shared commits, back-pressure, quarantine."""
