-- What each of the last commits touched: the nodes of which answers show something else since, as 64-bit integers. Read by
-- other processes that remember what answers are made of. See storage/touches.py.
CREATE TABLE touches (
  seq INTEGER PRIMARY KEY,
  before INTEGER NOT NULL,
  nodes BLOB NOT NULL
) STRICT;
