-- What comes next after an instant is looked for from the earliest commit on, as far as it can lie in it.
ALTER TABLE mentions ADD COLUMN min_at INTEGER NOT NULL DEFAULT 0;
DROP INDEX mentions_by_time;
CREATE INDEX mentions_by_first ON mentions (min_at, max_at);
