-- Which runs read a dataset when: where a late write looks for those that it concerns. Under mark 0 at the start of the
-- run, under the hash of each version or fingerprint that it says it saw at its end.
CREATE TABLE reads (
  tenant_id text NOT NULL,
  dataset bigint NOT NULL,
  mark bigint NOT NULL,
  at bigint NOT NULL,
  run bigint NOT NULL,
  PRIMARY KEY (tenant_id, dataset, mark, at, run)
);
