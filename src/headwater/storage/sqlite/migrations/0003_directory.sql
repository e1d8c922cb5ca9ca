-- What is listed by namespace, source and time, a row a node. It changes when a node is new, renamed, joined or deleted.
CREATE TABLE listings (
  node INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  spelt TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  is_deleted INTEGER NOT NULL,
  source TEXT NOT NULL,
  source_uri TEXT NOT NULL
) STRICT;
CREATE INDEX listings_by_name ON listings (kind, is_deleted, namespace, name, node);
CREATE INDEX listings_by_namespace ON listings (namespace, created_at, node);
CREATE INDEX listings_by_time ON listings (kind, created_at);
CREATE INDEX listings_by_source ON listings (source, created_at, node) WHERE source > '';

-- RunEvents by quarter of an hour of their event time, and by type.
CREATE TABLE pulses (
  start INTEGER NOT NULL,
  type INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (start, type)
) STRICT, WITHOUT ROWID;
