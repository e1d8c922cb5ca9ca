-- Which runs read a dataset when: where a late write looks for those that it concerns. Under mark 0 at the start of the
-- run, under the hash of each version or fingerprint that it says it saw at its end.
CREATE TABLE reads (
  dataset INTEGER NOT NULL,
  mark INTEGER NOT NULL,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (dataset, mark, at, run)
) STRICT, WITHOUT ROWID;
