-- The quarantine holds more than events, each thing once, and says how much of it is kept.
ALTER TABLE quarantine ADD COLUMN hint TEXT NOT NULL DEFAULT '';
ALTER TABLE quarantine ADD COLUMN kind TEXT NOT NULL DEFAULT 'event';
ALTER TABLE quarantine ADD COLUMN size_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN times INTEGER NOT NULL DEFAULT 1;
ALTER TABLE quarantine ADD COLUMN digest BLOB;
UPDATE quarantine SET size_bytes = length(body);
CREATE UNIQUE INDEX quarantine_by_digest ON quarantine (digest);
CREATE INDEX quarantine_sizes ON quarantine (id, length(body));
