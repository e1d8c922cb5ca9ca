"""The loans script: a plain training job that holds twelve facts lineage should know without being told."""

import json
import pickle

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

loans = pd.read_csv("loans.csv").dropna()
loans["dti"] = loans["debt"] / loans["income"]
medians = loans.groupby("region", as_index=False)["income"].median().rename(columns={"income": "region_income"})
loans = loans.merge(medians, on="region")
loans["rel_income"] = loans["income"] / loans["region_income"]

features = ["income", "debt", "dti", "rel_income", "region"]
X_train, X_test, y_train, y_test = train_test_split(loans[features], loans["defaulted"], test_size=0.25, random_state=7)
prepare = ColumnTransformer([("num", StandardScaler(), features[:4]), ("cat", OneHotEncoder(), ["region"])])
model = Pipeline(
    [("prepare", prepare), ("forest", RandomForestClassifier(n_estimators=40, max_depth=8, random_state=3))]
)
model.fit(X_train, y_train)

score = model.predict_proba(X_test)[:, 1]
auc = roc_auc_score(y_test, score)
with open("model.pkl", "wb") as file:
    pickle.dump(model, file)
X_test.assign(score=score).to_csv("preds.csv", index=False)
with open("metrics.json", "w") as file:
    json.dump({"auc": auc}, file)
print(f"auc {auc:.4f}")
