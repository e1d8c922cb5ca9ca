-- put
INSERT INTO documents (tenant, kind, name, created_at, updated_at, body) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, kind, name) DO UPDATE SET updated_at = excluded.updated_at, body = excluded.body;

-- get
SELECT name, created_at, updated_at, body FROM documents WHERE tenant = ? AND kind = ? AND name = ?;

-- all
SELECT name, created_at, updated_at, body FROM documents WHERE tenant = ? AND kind = ? ORDER BY name;

-- any
SELECT 1 FROM documents WHERE tenant = ? AND kind = ? LIMIT 1;

-- drop
DELETE FROM documents WHERE tenant = ? AND kind = ? AND name = ?;
