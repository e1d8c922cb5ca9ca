"""Makes the files that the Spark programs read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

LAKE = Path("lake")
ORDERS = 400
CUSTOMERS = 40


def main() -> None:
    """Customers as CSV, orders as JSON lines, drops of clicks for the stream."""
    draw = np.random.default_rng(7)
    (LAKE / "raw").mkdir(parents=True, exist_ok=True)
    (LAKE / "clicks").mkdir(parents=True, exist_ok=True)
    with (LAKE / "raw" / "customers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer_id", "country", "email", "age"])
        for number in range(CUSTOMERS):
            country = ["DE", "FR", "IT"][number % 3]
            rows.writerow([number, country, f"user{number}@example.com", int(draw.integers(18, 80))])
    with (LAKE / "raw" / "orders.json").open("w") as file:
        for number in range(ORDERS):
            day = f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}"
            amount = round(float(draw.gamma(2.0, 40.0)), 2)
            order = {"order_id": number, "customer": int(draw.integers(CUSTOMERS)), "amount": amount, "day": day}
            file.write(json.dumps(order) + "\n")
    for drop in range(2):
        with (LAKE / "clicks" / f"{drop}.json").open("w") as file:
            for number in range(20):
                file.write(json.dumps({"customer_id": number % CUSTOMERS, "page": f"/item/{number % 5}"}) + "\n")


if __name__ == "__main__":
    main()
