-- A state that nobody known wrote is looked for by what its readers called it.
DROP INDEX versions_unwritten;
CREATE INDEX versions_unwritten ON versions (dataset, tag) WHERE run = 0;
