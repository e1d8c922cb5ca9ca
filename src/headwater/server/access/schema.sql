-- The control store. Times are microseconds since the epoch, UTC; {identity} is how the database numbers rows.

CREATE TABLE IF NOT EXISTS tenants (
  name TEXT PRIMARY KEY,
  created_at BIGINT NOT NULL,
  title TEXT NOT NULL,
  quota TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS keys (
  digest TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  permissions TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT,
  used_at BIGINT
);
CREATE INDEX IF NOT EXISTS keys_by_tenant ON keys (tenant, created_at);

CREATE TABLE IF NOT EXISTS members (
  tenant TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  role TEXT NOT NULL,
  name TEXT NOT NULL,
  added_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, issuer, subject)
);
CREATE INDEX IF NOT EXISTS members_by_subject ON members (issuer, subject);

CREATE TABLE IF NOT EXISTS shares (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  grantee TEXT NOT NULL,
  selection TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT
);
CREATE INDEX IF NOT EXISTS shares_by_tenant ON shares (tenant, created_at);
CREATE INDEX IF NOT EXISTS shares_by_grantee ON shares (grantee, created_at);

CREATE TABLE IF NOT EXISTS actions (
  id {identity},
  at BIGINT NOT NULL,
  tenant TEXT NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS actions_by_tenant ON actions (tenant, id);

CREATE TABLE IF NOT EXISTS documents (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, kind, name)
);
