-- What runs build on, by their records; a run that has not arrived yet is named all the same.
CREATE TABLE dependencies (
  tenant_id text NOT NULL,
  run_id text NOT NULL,
  on_run text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (tenant_id, run_id, on_run)
);
CREATE INDEX dependencies_by_on_run ON dependencies (tenant_id, on_run);
