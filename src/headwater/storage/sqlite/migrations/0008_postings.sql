-- What nodes are found by: for every key the nodes that have it, in parts of 4,096 nodes; and nodes that are not in
-- there yet as they are, each with the keys under which it is, a line each. See projection/searching.py.
CREATE TABLE postings (
  key TEXT NOT NULL,
  part INTEGER NOT NULL,
  nodes BLOB NOT NULL,
  PRIMARY KEY (key, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE loose (node INTEGER PRIMARY KEY, keys TEXT NOT NULL) STRICT;
DROP TABLE search_words;
ALTER TABLE search ADD COLUMN type TEXT NOT NULL DEFAULT '';
ALTER TABLE search ADD COLUMN is_deleted INTEGER NOT NULL DEFAULT 0;
