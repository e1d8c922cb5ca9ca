-- A state that nobody known wrote is looked for by what its readers called it, which may be longer than an index takes.
DROP INDEX versions_unwritten;
CREATE INDEX versions_unwritten ON versions (tenant_id, dataset, md5(tag)) WHERE run = 0;
