-- Statements of the control store: SQLite and PostgreSQL read the same ones. Times are microseconds since the epoch.

-- tenants
SELECT name, created_at, title, quota FROM tenants ORDER BY name;

-- tenant
SELECT name, created_at, title, quota FROM tenants WHERE name = ?;

-- add_tenant
INSERT INTO tenants (name, created_at, title, quota) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- change_tenant
UPDATE tenants SET title = ?, quota = ? WHERE name = ?;

-- drop_tenant_keys
DELETE FROM keys WHERE tenant = ?;

-- drop_tenant_members
DELETE FROM members WHERE tenant = ?;

-- drop_tenant_shares
DELETE FROM shares WHERE tenant = ? OR grantee = ?;

-- drop_tenant_documents
DELETE FROM documents WHERE tenant = ?;

-- drop_tenant
DELETE FROM tenants WHERE name = ?;

-- add_key
INSERT INTO keys (id, digest, tenant, name, permissions, created_at, created_by, expires_at, revoked_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- key_of
SELECT id, digest, tenant, name, permissions, created_at, created_by, expires_at, revoked_at, used_at FROM keys WHERE digest = ?;

-- keys
SELECT id, digest, tenant, name, permissions, created_at, created_by, expires_at, revoked_at, used_at FROM keys WHERE tenant = ? ORDER BY created_at, id;

-- end_key
UPDATE keys SET revoked_at = CASE WHEN revoked_at IS NULL OR revoked_at > ? THEN ? ELSE revoked_at END
WHERE tenant = ? AND id = ?;

-- key_used
UPDATE keys SET used_at = ? WHERE digest = ?;

-- put_member
INSERT INTO members (tenant, issuer, subject, role, name, added_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, issuer, subject) DO UPDATE SET role = excluded.role, name = excluded.name;

-- members
SELECT tenant, issuer, subject, role, name, added_at FROM members WHERE tenant = ? ORDER BY issuer, subject;

-- memberships
SELECT tenant, issuer, subject, role, name, added_at FROM members WHERE issuer = ? AND subject = ? ORDER BY tenant;

-- drop_member
DELETE FROM members WHERE tenant = ? AND issuer = ? AND subject = ?;

-- add_share
INSERT INTO shares (id, tenant, grantee, selection, created_at, created_by, expires_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- share
SELECT id, tenant, grantee, selection, created_at, created_by, expires_at, revoked_at FROM shares WHERE id = ?;

-- shares_given
SELECT id, tenant, grantee, selection, created_at, created_by, expires_at, revoked_at FROM shares WHERE tenant = ? ORDER BY created_at, id;

-- shares_received
SELECT id, tenant, grantee, selection, created_at, created_by, expires_at, revoked_at FROM shares WHERE grantee = ? ORDER BY created_at, id;

-- end_share
UPDATE shares SET revoked_at = ? WHERE tenant = ? AND id = ? AND revoked_at IS NULL;

-- note
INSERT INTO actions (at, tenant, who, what, subject, detail) VALUES (?, ?, ?, ?, ?, ?);

-- actions
SELECT at, tenant, who, what, subject, detail FROM actions WHERE tenant = ? ORDER BY id DESC LIMIT ?;
