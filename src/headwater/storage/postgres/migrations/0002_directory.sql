-- What is listed by namespace, source and time, a row a node. It changes when a node is new, renamed, joined or deleted.
-- A name may be longer than an index entry can be: the first characters of it are.
CREATE TABLE listings (
  tenant_id text NOT NULL,
  node bigint NOT NULL,
  kind smallint NOT NULL,
  namespace text NOT NULL,
  name text NOT NULL,
  spelt text NOT NULL,
  created_at bigint NOT NULL,
  is_deleted boolean NOT NULL,
  source text NOT NULL,
  source_uri text NOT NULL,
  PRIMARY KEY (tenant_id, node)
);
CREATE INDEX listings_by_name ON listings
  (tenant_id, kind, is_deleted, (left(namespace, 160) COLLATE "C"), (left(name, 400) COLLATE "C"));
CREATE INDEX listings_by_namespace ON listings (tenant_id, (left(namespace, 160) COLLATE "C"), created_at, node);
CREATE INDEX listings_by_source ON listings (tenant_id, (left(source, 160) COLLATE "C"), created_at, node);
CREATE INDEX listings_by_time ON listings (tenant_id, kind, created_at);

-- RunEvents by quarter of an hour of their event time, and by type.
CREATE TABLE pulses (
  tenant_id text NOT NULL,
  start bigint NOT NULL,
  type smallint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (tenant_id, start, type)
) WITH (fillfactor = 70);
