"""Writes what the sources read."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

Path("data").mkdir()
times = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]
pd.DataFrame({"customer_id": [1, 2], "spent": [12.5, 99.0], "placed_on": times}).to_parquet("data/orders.parquet")
pd.DataFrame({"customer_id": [1, 2], "years": [30, 40], "seen_on": times}).to_parquet("data/profiles.parquet")
