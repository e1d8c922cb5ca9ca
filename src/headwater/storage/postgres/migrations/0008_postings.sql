-- What nodes are found by: for every key the nodes that have it, in parts of 4,096 nodes; and nodes that are not in
-- there yet as they are, each with the keys under which it is, a line each. See projection/searching.py.
CREATE TABLE postings (
  tenant_id text NOT NULL,
  key text COLLATE "C" NOT NULL,
  part bigint NOT NULL,
  nodes bytea NOT NULL,
  PRIMARY KEY (tenant_id, key, part)
) WITH (fillfactor = 70);
ALTER TABLE postings ALTER COLUMN nodes SET STORAGE PLAIN;
CREATE TABLE loose (
  tenant_id text NOT NULL,
  node bigint NOT NULL,
  keys text NOT NULL,
  PRIMARY KEY (tenant_id, node)
);
DROP TABLE search_words, vocabulary, pieces;
ALTER TABLE search ADD COLUMN type text NOT NULL DEFAULT '';
ALTER TABLE search ADD COLUMN is_deleted boolean NOT NULL DEFAULT false;
