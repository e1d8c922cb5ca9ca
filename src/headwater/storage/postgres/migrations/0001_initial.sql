-- The first schema. Times are microseconds since the epoch, UTC; ids are the store's own, counted per tenant.
-- The tenant comes first in every key, so that one index serves one tenant and tables can be distributed by it.

-- One row a tenant: the lock of its writer, the number of its commits, and where its ids have got to.
CREATE TABLE tenants (
  tenant_id text PRIMARY KEY CHECK (tenant_id <> ''),
  changes bigint NOT NULL DEFAULT 0,
  counters jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- The log: one compressed frame a commit, its events' keys beside it (16 bytes each, in order), with the first and the
-- last time at which one of them was received. With TimescaleDB it becomes a hypertable, without it there is a partition
-- for every month of receipt.
DO $$
BEGIN
  EXECUTE 'CREATE TABLE frames (
    tenant_id text NOT NULL,
    last_seq bigint NOT NULL,
    received_at bigint NOT NULL,
    received_from bigint NOT NULL,
    first_seq bigint NOT NULL,
    keys bytea NOT NULL,
    received bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant_id, last_seq, received_at)
  )' || CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN ''
             ELSE ' PARTITION BY RANGE (received_at)' END;
END $$;
ALTER TABLE frames ALTER COLUMN body SET STORAGE EXTERNAL;

-- Which events spoke of which names: packed, a row a commit, with the latest event time in it.
CREATE TABLE mentions (
  tenant_id text NOT NULL,
  max_at bigint NOT NULL,
  id bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (tenant_id, max_at, id)
);

-- An event is found again by its time and key: a second delivery lands next to the first.
CREATE TABLE event_keys (
  tenant_id text NOT NULL,
  at bigint NOT NULL,
  key bytea NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (tenant_id, at, key)
);

CREATE TABLE quarantine (
  tenant_id text NOT NULL,
  id bigint NOT NULL,
  received_at bigint NOT NULL,
  body bytea NOT NULL,
  field text NOT NULL,
  value text NOT NULL,
  rule text NOT NULL,
  hint text NOT NULL,
  kind text NOT NULL,
  size_bytes bigint NOT NULL,
  times bigint NOT NULL,
  digest bytea NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX quarantine_by_digest ON quarantine (tenant_id, digest);

CREATE TABLE names (
  tenant_id text NOT NULL,
  id bigint NOT NULL,
  kind smallint NOT NULL,
  namespace text NOT NULL,
  name text NOT NULL,
  node bigint NOT NULL,
  raw_namespace text NOT NULL,
  raw_name text NOT NULL,
  first_at bigint NOT NULL,
  first_key bytea NOT NULL,
  is_direct boolean NOT NULL,
  is_renamed boolean NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
-- A name may be longer than an index entry can be.
CREATE INDEX names_by_name ON names (tenant_id, md5(name), md5(namespace));
CREATE INDEX names_by_node ON names (tenant_id, node);

CREATE TABLE nodes (
  tenant_id text NOT NULL,
  id bigint NOT NULL,
  kind smallint NOT NULL,
  type text NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  head bigint NOT NULL,
  head_at bigint NOT NULL,
  head_run text NOT NULL,
  read_until bigint NOT NULL,
  life_at bigint NOT NULL,
  life_key bytea NOT NULL,
  life_run text NOT NULL,
  is_dropped boolean NOT NULL,
  PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 70);

CREATE TABLE runs (
  tenant_id text NOT NULL,
  id bigint NOT NULL,
  run_id bytea NOT NULL,
  job bigint NOT NULL,
  state smallint NOT NULL,
  operation text NOT NULL,
  started_at bigint NOT NULL,
  ended_at bigint,
  parent_run text NOT NULL,
  doc bytea NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX runs_by_run_id ON runs (tenant_id, run_id);
CREATE INDEX runs_by_job ON runs (tenant_id, job, started_at);
CREATE INDEX runs_by_start ON runs (tenant_id, started_at);
CREATE INDEX runs_by_parent ON runs (tenant_id, parent_run, started_at) WHERE parent_run <> '';

CREATE TABLE versions (
  tenant_id text NOT NULL,
  id bigint NOT NULL,
  dataset bigint NOT NULL,
  created_at bigint NOT NULL,
  run bigint NOT NULL,
  run_id bytea NOT NULL,
  job bigint NOT NULL,
  tag text NOT NULL,
  fingerprint text NOT NULL,
  file_digest text NOT NULL,
  row_count bigint,
  shape bigint NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX versions_by_dataset ON versions (tenant_id, dataset, created_at);
CREATE INDEX versions_unwritten ON versions (tenant_id, dataset) WHERE run = 0;

-- One row a derivation with its edges packed: (version, mapping) pairs in, versions out.
CREATE TABLE derivations (
  tenant_id text NOT NULL,
  id bigint NOT NULL,
  run bigint NOT NULL,
  job bigint NOT NULL,
  edges bytea NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE flows (
  tenant_id text NOT NULL,
  job bigint NOT NULL,
  target bigint NOT NULL,
  kind smallint NOT NULL,
  last_at bigint NOT NULL,
  last_by text NOT NULL,
  shape bigint NOT NULL,
  PRIMARY KEY (tenant_id, job, target, kind)
) WITH (fillfactor = 70);
CREATE INDEX flows_by_target ON flows (tenant_id, target);

CREATE TABLE edges (
  tenant_id text NOT NULL,
  source bigint NOT NULL,
  target bigint NOT NULL,
  job bigint NOT NULL,
  kind smallint NOT NULL,
  valid_from bigint NOT NULL,
  valid_to bigint,
  how smallint NOT NULL,
  run text NOT NULL,
  mapping bigint NOT NULL,
  PRIMARY KEY (tenant_id, source, target, job, kind, valid_from)
);
CREATE INDEX edges_by_target ON edges (tenant_id, target, job, kind);
CREATE INDEX edges_by_job ON edges (tenant_id, job, target, kind);

-- What the followers of the dataset level are told, in order.
CREATE TABLE edge_log (
  tenant_id text NOT NULL,
  seq bigint NOT NULL,
  source bigint NOT NULL,
  target bigint NOT NULL,
  job bigint NOT NULL,
  kind smallint NOT NULL,
  valid_from bigint NOT NULL,
  valid_to bigint,
  mapping bigint NOT NULL,
  PRIMARY KEY (tenant_id, seq)
);

CREATE TABLE changes (
  tenant_id text NOT NULL,
  node bigint NOT NULL,
  name text NOT NULL,
  at bigint NOT NULL,
  key bytea NOT NULL,
  body bigint NOT NULL,
  run_id text NOT NULL,
  is_repeated boolean NOT NULL,
  -- A facet's name may be longer than an index entry can be.
  name_key text NOT NULL GENERATED ALWAYS AS (md5(name)) STORED,
  PRIMARY KEY (tenant_id, node, name_key, at, key)
);

CREATE TABLE statements (
  tenant_id text NOT NULL,
  subject bigint NOT NULL,
  kind smallint NOT NULL,
  at bigint NOT NULL,
  key bytea NOT NULL,
  says bytea NOT NULL,
  PRIMARY KEY (tenant_id, subject, kind, at, key)
);

CREATE TABLE fields (
  tenant_id text NOT NULL,
  node bigint NOT NULL,
  names bytea NOT NULL,
  PRIMARY KEY (tenant_id, node)
);

-- Content, each stored once and found by its digest.
CREATE TABLE bodies (
  tenant_id text NOT NULL,
  id bigint NOT NULL,
  digest bytea NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX bodies_by_digest ON bodies (tenant_id, digest);
CREATE TABLE facet_sets (LIKE bodies INCLUDING ALL);
CREATE TABLE shapes (LIKE bodies INCLUDING ALL);
CREATE TABLE mappings (LIKE bodies INCLUDING ALL);

CREATE TABLE search (
  tenant_id text NOT NULL,
  node bigint NOT NULL,
  kind smallint NOT NULL,
  namespace text NOT NULL,
  name text NOT NULL,
  fields text NOT NULL,
  description text NOT NULL,
  tags text NOT NULL,
  owners text NOT NULL,
  PRIMARY KEY (tenant_id, node)
);
-- The words of each node, with the weight of the best place where it stands, and every word once.
-- Equality on words is all that row-level security lets an index answer: LIKE is not leakproof.
CREATE TABLE search_words (
  tenant_id text NOT NULL,
  word text COLLATE "C" NOT NULL,
  node bigint NOT NULL,
  weight smallint NOT NULL,
  PRIMARY KEY (tenant_id, word, node)
);
CREATE INDEX search_words_by_node ON search_words (tenant_id, node);
CREATE TABLE vocabulary (
  tenant_id text NOT NULL,
  word text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, word)
);

-- What is compressed already is not compressed again.
ALTER TABLE mentions ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE runs ALTER COLUMN doc SET STORAGE EXTERNAL;
ALTER TABLE bodies ALTER COLUMN content SET STORAGE EXTERNAL;
