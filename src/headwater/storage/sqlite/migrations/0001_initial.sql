-- The first schema. Times are microseconds since the epoch, UTC; ids are the store's own.
-- What grows with every event is appended, or ordered by time, so that a commit touches few pages.

-- The log: one compressed frame a commit, its events' keys beside it (16 bytes each, in order).
CREATE TABLE frames (
  last_seq INTEGER PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  keys BLOB NOT NULL,
  received BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT;

-- An event is found again by its time and key: a second delivery lands next to the first.
CREATE TABLE event_keys (
  at INTEGER NOT NULL,
  key BLOB NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (at, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY,
  received_at INTEGER NOT NULL,
  body BLOB NOT NULL,
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  rule TEXT NOT NULL
) STRICT;

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  node INTEGER NOT NULL,
  raw_namespace TEXT NOT NULL,
  raw_name TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  first_key BLOB NOT NULL,
  is_direct INTEGER NOT NULL,
  is_renamed INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX names_by_name ON names (kind, namespace, name);
CREATE INDEX names_by_node ON names (node);

CREATE TABLE nodes (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  type TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  head INTEGER NOT NULL,
  head_at INTEGER NOT NULL,
  head_run TEXT NOT NULL,
  read_until INTEGER NOT NULL,
  life_at INTEGER NOT NULL,
  life_key BLOB NOT NULL,
  life_run TEXT NOT NULL,
  is_dropped INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  run_id BLOB NOT NULL,
  job INTEGER NOT NULL,
  state INTEGER NOT NULL,
  operation TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  parent_run TEXT NOT NULL,
  doc BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX runs_by_run_id ON runs (run_id);
CREATE INDEX runs_by_job ON runs (job, started_at);
CREATE INDEX runs_by_start ON runs (started_at);
CREATE INDEX runs_by_parent ON runs (parent_run, started_at) WHERE parent_run <> '';

CREATE TABLE versions (
  id INTEGER PRIMARY KEY,
  dataset INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  run_id BLOB NOT NULL,
  job INTEGER NOT NULL,
  tag TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  file_digest TEXT NOT NULL,
  row_count INTEGER,
  shape INTEGER NOT NULL
) STRICT;
CREATE INDEX versions_by_dataset ON versions (dataset, created_at);
CREATE INDEX versions_unwritten ON versions (dataset) WHERE run = 0;

-- One row a derivation with its edges packed: (version, mapping) pairs in, versions out.
CREATE TABLE derivations (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  job INTEGER NOT NULL,
  edges BLOB NOT NULL
) STRICT;

CREATE TABLE flows (
  job INTEGER NOT NULL,
  target INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  last_by TEXT NOT NULL,
  shape INTEGER NOT NULL,
  PRIMARY KEY (job, target, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX flows_by_target ON flows (target);

CREATE TABLE edges (
  source INTEGER NOT NULL,
  target INTEGER NOT NULL,
  job INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER,
  how INTEGER NOT NULL,
  run TEXT NOT NULL,
  mapping INTEGER NOT NULL,
  PRIMARY KEY (source, target, job, kind, valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX edges_by_target ON edges (target, job, kind);
CREATE INDEX edges_by_job ON edges (job, target, kind);

-- What the followers of the dataset level are told, in order.
CREATE TABLE edge_log (
  seq INTEGER PRIMARY KEY,
  source INTEGER NOT NULL,
  target INTEGER NOT NULL,
  job INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER,
  mapping INTEGER NOT NULL
) STRICT;

CREATE TABLE changes (
  node INTEGER NOT NULL,
  name TEXT NOT NULL,
  at INTEGER NOT NULL,
  key BLOB NOT NULL,
  body INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  is_repeated INTEGER NOT NULL,
  PRIMARY KEY (node, name, at, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE statements (
  subject INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  at INTEGER NOT NULL,
  key BLOB NOT NULL,
  says BLOB NOT NULL,
  PRIMARY KEY (subject, kind, at, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE fields (node INTEGER PRIMARY KEY, names BLOB NOT NULL) STRICT;

-- Content, each stored once and found by its digest.
CREATE TABLE bodies (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, content BLOB NOT NULL) STRICT;
CREATE TABLE facet_sets (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, content BLOB NOT NULL) STRICT;
CREATE TABLE shapes (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, content BLOB NOT NULL) STRICT;
CREATE TABLE mappings (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, content BLOB NOT NULL) STRICT;

-- Which events spoke of which names: packed, a row a commit, with the latest event time in it.
CREATE TABLE mentions (id INTEGER PRIMARY KEY, max_at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX mentions_by_time ON mentions (max_at);

CREATE TABLE search (
  node INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  fields TEXT NOT NULL,
  description TEXT NOT NULL,
  tags TEXT NOT NULL,
  owners TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search_words USING fts5 (
  namespace, name, fields, description, tags, owners, tokenize = 'trigram', detail = column
);
