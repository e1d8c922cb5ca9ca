-- What the followers of the run level are told of derivations that changed: packed, a row a commit, under an id of that
-- level, with the number of edges in it.
CREATE TABLE rewrites (
  tenant_id text NOT NULL,
  seq bigint NOT NULL,
  size bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (tenant_id, seq)
);
ALTER TABLE rewrites ALTER COLUMN body SET STORAGE EXTERNAL;
