-- What the followers of the run level are told of derivations that changed: packed, a row a commit, under an id of that
-- level, with the number of edges in it.
CREATE TABLE rewrites (seq INTEGER PRIMARY KEY, size INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
