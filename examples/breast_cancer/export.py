"""Export the Wisconsin diagnostic data that ships inside scikit-learn: a raw CSV file and a SQLite table.

A few cells are blank, as in any clinic's export. Nothing here knows of Headwater.
"""

import sqlite3
from pathlib import Path

from sklearn.datasets import load_breast_cancer

raw = Path("raw")
raw.mkdir(exist_ok=True)

frame = load_breast_cancer(as_frame=True).frame
frame.columns = [name.replace(" ", "_") for name in frame.columns]
frame.insert(0, "patient_id", range(1001, 1001 + len(frame)))

measurements = frame.drop(columns=["target"])
measurements.loc[measurements.index % 97 == 0, "mean_texture"] = None
measurements.to_csv(raw / "measurements.csv", index=False)

patients = frame[["patient_id", "target"]].rename(columns={"target": "is_benign"})
patients["site"] = ["north", "south", "west"] * (len(patients) // 3) + ["north"] * (len(patients) % 3)
with sqlite3.connect(raw / "clinic.db") as clinic:
    patients.to_sql("patients", clinic, if_exists="replace", index=False)
clinic.close()

print(f"exported {len(measurements)} measurements and {len(patients)} patients")
