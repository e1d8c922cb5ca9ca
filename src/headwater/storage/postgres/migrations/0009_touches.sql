-- What each of the last commits touched: the nodes of which answers show something else since, as 64-bit integers. Read by
-- other processes that remember what answers are made of. See storage/touches.py.
CREATE TABLE touches (
  tenant_id text NOT NULL,
  seq bigint NOT NULL,
  before bigint NOT NULL,
  nodes bytea NOT NULL,
  PRIMARY KEY (tenant_id, seq)
);
