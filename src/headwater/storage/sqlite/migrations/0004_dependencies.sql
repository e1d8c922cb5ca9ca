-- What runs build on, by their records; a run that has not arrived yet is named all the same.
CREATE TABLE dependencies (
  run_id TEXT NOT NULL,
  on_run TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (run_id, on_run)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependencies_by_on_run ON dependencies (on_run);
