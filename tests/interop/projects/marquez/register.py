"""Registers a job with marquez-python's documented calls, runs it, and reads it back."""

from marquez_client import Clients
from marquez_client.models import DatasetId, DatasetType, JobType

client = Clients.new_client()  # MARQUEZ_URL, MARQUEZ_API_KEY
client.create_namespace("shop", "team", "what is sold")
client.create_source("warehouse", "POSTGRESQL", "jdbc:postgresql://localhost:5432/shop", "all of it")
for name in ("raw", "my/table x"):
    client.create_dataset("shop", name, DatasetType.DB_TABLE, name, "warehouse", "a table")
sides = ([DatasetId("shop", "raw")], [DatasetId("shop", "my/table x")])
client.create_job("shop", "load", JobType.BATCH, "https://git.example/etl.git", *sides, "loads it")
run = client.create_job_run("shop", "load")["id"]
client.create_job("shop", "load", JobType.BATCH, "https://git.example/etl.git", *sides, "loads it", run_id=run)
client.mark_job_run_as_started(run)
client.mark_job_run_as_completed(run)
print(client.get_job_run(run)["state"], client.get_dataset("shop", "my/table x")["name"])
