-- The reads of the last commits, which are moved to the others when they are many. Each dataset has its own place among the
-- reads, so that each read would have a page written on its own; among a few thousand, many share one.
CREATE TABLE new_reads (
  dataset INTEGER NOT NULL,
  mark INTEGER NOT NULL,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (dataset, mark, at, run)
) STRICT, WITHOUT ROWID;
