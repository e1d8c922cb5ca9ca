"""Train a tumour classifier from the raw sources, save it, score everyone, and summarise by site.

pandas cleans and joins, polars makes features, scikit-learn learns in epochs with checkpoints, duckdb summarises.
Nothing here knows of Headwater: run it with ``python train.py``, or with ``headwater run train.py``.
"""

import argparse
import json
import sqlite3
from pathlib import Path

import duckdb
import joblib
import pandas as pd
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

options = argparse.ArgumentParser()
options.add_argument("--alpha", type=float, default=0.01, help="strength of the regularisation")
options.add_argument("--epochs", type=int, default=6)
args = options.parse_args()

out = Path("out")
out.mkdir(exist_ok=True)

# Clean and join.
measurements = pd.read_csv("raw/measurements.csv").dropna(subset=["mean_texture"])
clinic = sqlite3.connect("raw/clinic.db")
patients = pd.read_sql("SELECT patient_id, site, is_benign FROM patients", clinic)
clinic.close()
cases = measurements.merge(patients, on="patient_id")

# Features.
features = (
    pl.from_pandas(cases)
    .with_columns(
        (pl.col("mean_area") / pl.col("mean_perimeter") ** 2).alias("roundness"),
        (pl.col("worst_radius") / pl.col("mean_radius")).alias("radius_growth"),
        pl.col("mean_texture").mean().over("site").alias("site_texture"),
    )
    .with_columns((pl.col("mean_texture") - pl.col("site_texture")).alias("texture_anomaly"))
    .select("patient_id", "site", "roundness", "radius_growth", "texture_anomaly", "mean_concavity", "is_benign")
    .to_pandas()
)

# Split and train in epochs, keeping a checkpoint of each second one.
columns = ["roundness", "radius_growth", "texture_anomaly", "mean_concavity"]
X_train, X_test, y_train, y_test = train_test_split(
    features[columns], features["is_benign"], test_size=0.25, random_state=42, stratify=features["is_benign"]
)
prepare = ColumnTransformer(
    [
        ("scaled", StandardScaler(), ["texture_anomaly", "mean_concavity"]),
        ("shape", Pipeline([("powers", PolynomialFeatures(2, include_bias=False)), ("scale", StandardScaler())]),
         ["roundness", "radius_growth"]),
    ]
)  # fmt: skip
prepared = prepare.fit_transform(X_train)
classifier = SGDClassifier(loss="log_loss", alpha=args.alpha, random_state=7)
for epoch in range(1, args.epochs + 1):
    classifier.partial_fit(prepared, y_train, classes=[0, 1])
    if epoch % 2 == 0 and epoch < args.epochs:
        joblib.dump(classifier, out / f"checkpoint-{epoch}.joblib")

tumour = Pipeline([("prepare", prepare), ("classifier", classifier)])
joblib.dump(tumour, out / "tumour.joblib")

# Judge it.
score = tumour.predict_proba(X_test)
metrics = {
    "accuracy": accuracy_score(y_test, tumour.predict(X_test)),
    "auc": roc_auc_score(y_test, score[:, 1]),
}
with open(out / "metrics.json", "w") as file:
    json.dump(metrics, file, indent=2)

# Score everyone, and summarise.
predictions = features[["patient_id", "site"]].assign(benign=tumour.predict(features[columns]))
predictions.to_parquet(out / "predictions.parquet", index=False)
summary = duckdb.sql(
    "SELECT site, count(*) AS cases, avg(benign) AS benign_rate FROM predictions GROUP BY site ORDER BY site"
)
summary.df().to_csv(out / "summary.csv", index=False)

print(f"accuracy {metrics['accuracy']:.3f}, auc {metrics['auc']:.3f}, {len(predictions)} predictions")
