-- What comes next after an instant is looked for from the earliest commit on, as far as it can lie in it.
ALTER TABLE mentions ADD COLUMN min_at bigint NOT NULL DEFAULT 0;
CREATE INDEX mentions_by_first ON mentions (tenant_id, min_at, id);
