-- The statements of the SQLite store by name, except those built from a table's layout (see table.py). The name of a
-- statement stands alone on a comment line above it. A statement about many ids takes them as one parameter, a JSON list.
-- Parameters are positional, or named where a statement uses one twice: Python 3.12.0 to 3.12.3 mistakes numbered
-- parameters (``?1``) for named ones and warns about them.

-- runs_ids_of
SELECT run_id, id FROM runs WHERE run_id IN (?);

-- runs_id_of
SELECT id FROM runs WHERE run_id = ?;

-- dependencies_any
SELECT 1 FROM dependencies LIMIT 1;

-- bodies_id_of
SELECT id FROM bodies WHERE digest = ?;

-- bodies_get
SELECT content FROM bodies WHERE id = ?;

-- bodies_get_many
SELECT id, content FROM bodies WHERE id IN (SELECT value FROM json_each(?));

-- bodies_digests
SELECT digest, id FROM bodies WHERE id > ? ORDER BY id LIMIT ?;

-- bodies_add
INSERT INTO bodies (id, digest, content) VALUES (?, ?, ?);

-- facet_sets_id_of
SELECT id FROM facet_sets WHERE digest = ?;

-- facet_sets_get
SELECT content FROM facet_sets WHERE id = ?;

-- facet_sets_get_many
SELECT id, content FROM facet_sets WHERE id IN (SELECT value FROM json_each(?));

-- facet_sets_digests
SELECT digest, id FROM facet_sets WHERE id > ? ORDER BY id LIMIT ?;

-- facet_sets_add
INSERT INTO facet_sets (id, digest, content) VALUES (?, ?, ?);

-- shapes_id_of
SELECT id FROM shapes WHERE digest = ?;

-- shapes_get
SELECT content FROM shapes WHERE id = ?;

-- shapes_get_many
SELECT id, content FROM shapes WHERE id IN (SELECT value FROM json_each(?));

-- shapes_digests
SELECT digest, id FROM shapes WHERE id > ? ORDER BY id LIMIT ?;

-- shapes_add
INSERT INTO shapes (id, digest, content) VALUES (?, ?, ?);

-- mappings_id_of
SELECT id FROM mappings WHERE digest = ?;

-- mappings_get
SELECT content FROM mappings WHERE id = ?;

-- mappings_get_many
SELECT id, content FROM mappings WHERE id IN (SELECT value FROM json_each(?));

-- mappings_digests
SELECT digest, id FROM mappings WHERE id > ? ORDER BY id LIMIT ?;

-- mappings_add
INSERT INTO mappings (id, digest, content) VALUES (?, ?, ?);

-- version_before
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE dataset = :dataset AND created_at <= :at AND run <> 0 AND run_id <> :run
ORDER BY created_at DESC, run_id DESC LIMIT 1;

-- version_marked_before
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE dataset = :dataset AND created_at <= :at AND run <> 0 AND run_id <> :run
  AND (tag = :tag OR fingerprint = :tag OR file_digest = :tag)
ORDER BY created_at DESC, run_id DESC LIMIT 1;

-- writes_before
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE dataset = :dataset AND created_at <= :at AND run <> 0 AND job = :job AND (created_at, run_id) < (:at, :run)
ORDER BY created_at DESC, run_id DESC LIMIT :limit;

-- writes_after
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE dataset = :dataset AND created_at >= :at AND run <> 0 AND job = :job AND (created_at, run_id) > (:at, :run)
ORDER BY created_at, run_id LIMIT :limit;

-- latest_versions
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE dataset = ? AND created_at <= ?
ORDER BY created_at DESC, run_id DESC, tag DESC LIMIT ?;

-- version_ordinal
SELECT count(*) FROM versions
WHERE dataset = :dataset AND (created_at < :at OR (created_at = :at AND (run_id, tag) <= (:run, :tag)));

-- named_nodes
SELECT nodes.id, nodes.kind, nodes.type, nodes.created_at, nodes.updated_at, nodes.is_dropped, names.raw_namespace, names.raw_name FROM json_each(?) AS wanted
CROSS JOIN nodes ON nodes.id = wanted.value CROSS JOIN names ON names.node = nodes.id;

-- latest_version_of_each
SELECT versions.id, versions.dataset, versions.created_at, versions.run, versions.run_id, versions.job, versions.tag, versions.fingerprint, versions.file_digest, versions.row_count, versions.shape FROM json_each(?) AS wanted
JOIN versions ON versions.id = (
  SELECT last.id FROM versions AS last WHERE last.dataset = wanted.value AND last.created_at <= ?
  ORDER BY last.created_at DESC, last.run_id DESC, last.tag DESC LIMIT 1
);

-- version_ordinals
SELECT one.id, (
  SELECT count(*) FROM versions AS other
  WHERE other.dataset = one.dataset AND other.created_at <= one.created_at
    AND (other.created_at < one.created_at OR (other.run_id, other.tag) <= (one.run_id, one.tag))
) FROM versions AS one WHERE one.id IN (SELECT value FROM json_each(?));

-- nodes_after
SELECT id, kind, type, created_at, updated_at, head, head_at, head_run, read_until, life_at, life_key, life_run, is_dropped FROM nodes
WHERE id > :after AND (:kind IS NULL OR kind = :kind) AND (:type IS NULL OR type = :type COLLATE NOCASE) ORDER BY id LIMIT :limit;

-- runs_between
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE run_id BETWEEN ? AND ? ORDER BY run_id LIMIT ?;

-- runs_by_start
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE started_at < :before AND (:state IS NULL OR state = :state)
ORDER BY started_at DESC, run_id DESC LIMIT :limit;

-- runs_of_job_by_start
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE job = :job AND started_at < :before AND (:state IS NULL OR state = :state)
ORDER BY started_at DESC, run_id DESC LIMIT :limit;

-- runs_of_parent_by_start
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE parent_run = :parent AND parent_run <> '' AND started_at < :before AND (:state IS NULL OR state = :state)
ORDER BY started_at DESC, run_id DESC LIMIT :limit;

-- runs_of_job_and_parent_by_start
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE parent_run = :parent AND parent_run <> '' AND job = :job AND started_at < :before AND (:state IS NULL OR state = :state)
ORDER BY started_at DESC, run_id DESC LIMIT :limit;

-- latest_run_of_each
-- Without the document: it lies on pages of its own where it is large.
SELECT runs.id, runs.run_id, runs.job, runs.state, runs.operation, runs.started_at, runs.ended_at, runs.parent_run FROM json_each(?) AS wanted
JOIN runs ON runs.id = (
  SELECT last.id FROM runs AS last WHERE last.job = wanted.value AND last.started_at <= ?
  ORDER BY last.started_at DESC, last.run_id DESC LIMIT 1
);

-- run_heads
SELECT runs.id, runs.run_id, runs.job, runs.state, runs.operation, runs.started_at, runs.ended_at, runs.parent_run FROM runs WHERE id IN (SELECT value FROM json_each(?));

-- latest_changes
-- The facet names of the node one by one along the key, and for each the last row.
WITH RECURSIVE facet (name) AS (
  SELECT min(name) FROM changes WHERE node = :node
  UNION ALL
  SELECT (SELECT min(name) FROM changes WHERE node = :node AND name > facet.name) FROM facet WHERE facet.name IS NOT NULL
)
SELECT changes.node, changes.name, changes.at, changes.key, changes.body, changes.run_id, changes.is_repeated FROM facet
JOIN changes ON changes.node = :node AND changes.name = facet.name AND (changes.at, changes.key) = (
  SELECT last.at, last.key FROM changes AS last
  WHERE last.node = :node AND last.name = facet.name AND last.at <= :until ORDER BY last.at DESC, last.key DESC LIMIT 1
);

-- edges_before
SELECT edges.source, edges.target, edges.job, edges.kind, edges.valid_from, edges.valid_to, edges.how, edges.run, edges.mapping FROM json_each(:sources) AS given
CROSS JOIN edges ON edges.source = given.value AND edges.target = :target AND edges.job = :job AND edges.kind = :kind
  AND edges.valid_from = (
    SELECT max(last.valid_from) FROM edges AS last
    WHERE last.source = given.value AND last.target = :target AND last.job = :job AND last.kind = :kind AND last.valid_from < :at
  );

-- changes_before
SELECT node, name, at, key, body, run_id, is_repeated FROM changes
WHERE node = ? AND name = ? AND (at, key) < (?, ?) ORDER BY at DESC, key DESC LIMIT ?;

-- changes_from
SELECT node, name, at, key, body, run_id, is_repeated FROM changes
WHERE node = ? AND name = ? AND (at, key) >= (?, ?) ORDER BY at, key LIMIT ?;

-- edges_holding_source
SELECT json_group_array(json_array(edges.source, edges.target, edges.job, edges.kind, edges.valid_from, edges.valid_to, edges.how, edges.run, edges.mapping, flows.last_by)) FROM edges
LEFT JOIN flows ON flows.job = edges.job AND flows.target = edges.target AND flows.kind = edges.kind
WHERE edges.source IN (SELECT value FROM json_each(:nodes))
AND CASE WHEN :as_of IS NULL THEN edges.valid_to IS NULL
  ELSE edges.valid_from <= :as_of AND (edges.valid_to IS NULL OR edges.valid_to > :as_of) END;

-- edges_holding_target
SELECT json_group_array(json_array(edges.source, edges.target, edges.job, edges.kind, edges.valid_from, edges.valid_to, edges.how, edges.run, edges.mapping, flows.last_by)) FROM edges
LEFT JOIN flows ON flows.job = edges.job AND flows.target = edges.target AND flows.kind = edges.kind
WHERE edges.target IN (SELECT value FROM json_each(:nodes))
AND CASE WHEN :as_of IS NULL THEN edges.valid_to IS NULL
  ELSE edges.valid_from <= :as_of AND (edges.valid_to IS NULL OR edges.valid_to > :as_of) END;

-- edges_holding_job
SELECT json_group_array(json_array(edges.source, edges.target, edges.job, edges.kind, edges.valid_from, edges.valid_to, edges.how, edges.run, edges.mapping, flows.last_by)) FROM edges
LEFT JOIN flows ON flows.job = edges.job AND flows.target = edges.target AND flows.kind = edges.kind
WHERE edges.job IN (SELECT value FROM json_each(:nodes))
AND CASE WHEN :as_of IS NULL THEN edges.valid_to IS NULL
  ELSE edges.valid_from <= :as_of AND (edges.valid_to IS NULL OR edges.valid_to > :as_of) END;

-- edges_between
-- Pairs as source * 2^32 + target.
SELECT json_group_array(json_array(edges.source, edges.target, edges.job, edges.kind, edges.valid_from, edges.valid_to, edges.how, edges.run, edges.mapping, flows.last_by)) FROM json_each(:pairs) AS pair
CROSS JOIN edges ON edges.source = pair.value >> 32 AND edges.target = pair.value & 4294967295
LEFT JOIN flows ON flows.job = edges.job AND flows.target = edges.target AND flows.kind = edges.kind
WHERE TRUE AND CASE WHEN :as_of IS NULL THEN edges.valid_to IS NULL
  ELSE edges.valid_from <= :as_of AND (edges.valid_to IS NULL OR edges.valid_to > :as_of) END;

-- mentions_add
INSERT INTO mentions (min_at, max_at, body) VALUES (?, ?, ?);

-- mentions_within
SELECT min_at, body FROM mentions WHERE max_at >= ? AND min_at <= ? ORDER BY min_at;

-- edge_log_add
INSERT INTO edge_log (source, target, job, kind, valid_from, valid_to, mapping) VALUES (?, ?, ?, ?, ?, ?, ?);

-- edge_log_since
SELECT seq, source, target, job, kind, valid_from, valid_to, mapping FROM edge_log WHERE seq > ? ORDER BY seq LIMIT ?;

-- second_write_after
SELECT created_at FROM versions WHERE dataset = ? AND created_at > ? AND run <> 0 ORDER BY created_at LIMIT 1 OFFSET 1;

-- reads_add
INSERT OR IGNORE INTO new_reads (dataset, mark, at, run) VALUES (?, ?, ?, ?);

-- reads_count_new
SELECT count(*) FROM new_reads;

-- reads_fold
INSERT OR IGNORE INTO reads SELECT dataset, mark, at, run FROM new_reads ORDER BY dataset, mark, at, run;

-- reads_folded
DELETE FROM new_reads;

-- reads_between
SELECT run FROM reads WHERE dataset = :dataset AND mark = :mark AND at BETWEEN :first AND :last
UNION SELECT run FROM new_reads WHERE dataset = :dataset AND mark = :mark AND at BETWEEN :first AND :last;

-- reads_earliest
SELECT at, run FROM reads WHERE dataset = :dataset AND mark = :mark AND at >= :first
UNION SELECT at, run FROM new_reads WHERE dataset = :dataset AND mark = :mark AND at >= :first
ORDER BY at, run LIMIT :limit;

-- rewrites_add
INSERT INTO rewrites (seq, size, body) VALUES (?, ?, ?);

-- rewrites_after
SELECT seq, body FROM rewrites WHERE seq > ? AND seq <= ? ORDER BY seq;

-- rewrites_oldest
-- The last of the oldest that hold so many edges together, and how many those are.
SELECT seq, total FROM (SELECT seq, sum(size) OVER (ORDER BY seq) AS total FROM rewrites) WHERE total >= ? ORDER BY seq LIMIT 1;

-- rewrites_drop
DELETE FROM rewrites WHERE seq <= ?;

-- derivations_after
SELECT id, run, job, edges FROM derivations WHERE id > ? ORDER BY id LIMIT ?;

-- dataset_kinds
SELECT id, kind FROM nodes WHERE id >= :first ORDER BY id;

-- run_kinds
SELECT id, kind FROM (
  SELECT id, 3 AS kind FROM versions WHERE id >= :first UNION ALL SELECT id, 4 AS kind FROM derivations WHERE id >= :first
) ORDER BY id;

-- counters_get
SELECT name, value FROM counters;

-- counters_put
INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- held_mappings
SELECT held.count, mappings.content
FROM (SELECT mapping, count(*) AS count FROM edges WHERE valid_to IS NULL AND mapping <> 0 GROUP BY mapping) AS held
JOIN mappings ON mappings.id = held.mapping;

-- count_rows
SELECT
  (SELECT count(*) FROM nodes WHERE kind = 1),
  (SELECT count(*) FROM nodes WHERE kind = 2),
  (SELECT count(*) FROM runs),
  (SELECT count(*) FROM versions),
  (SELECT count(*) FROM edges);

-- loose_add
INSERT OR IGNORE INTO loose (node, keys) VALUES (?, ?);

-- loose_nodes
SELECT node FROM loose;

-- loose_rows
SELECT search.node, kind, namespace, name, fields, description, tags, owners, type, is_deleted FROM loose
JOIN search ON search.node = loose.node;

-- loose_keys
SELECT node, keys FROM loose;

-- loose_clear
DELETE FROM loose;

-- postings_of
SELECT postings.key, part, nodes FROM json_each(?) AS wanted CROSS JOIN postings ON postings.key = wanted.value
ORDER BY wanted.id, part;

-- postings_part
SELECT postings.key, nodes FROM json_each(?) AS wanted
CROSS JOIN postings ON postings.key = wanted.value AND part = ?;

-- postings_keys
-- One key after another, without the parts between them.
WITH RECURSIVE seen (key) AS (
  SELECT min(key) FROM postings WHERE key >= :first AND key <= :last
  UNION ALL
  SELECT (SELECT min(key) FROM postings WHERE key > seen.key AND key <= :last) FROM seen WHERE seen.key IS NOT NULL
)
SELECT key FROM seen WHERE key IS NOT NULL;

-- postings_put
INSERT INTO postings (key, part, nodes) VALUES (?, ?, ?) ON CONFLICT (key, part) DO UPDATE SET nodes = excluded.nodes;

-- postings_drop
DELETE FROM postings WHERE key = ? AND part = ?;

-- frames_add
INSERT INTO frames (last_seq, first_seq, keys, received, body) VALUES (?, ?, ?, ?, ?);

-- frames_since
SELECT last_seq, first_seq, keys, received, body FROM frames WHERE last_seq > ? ORDER BY last_seq;

-- frames_of
SELECT first_seq, keys FROM frames WHERE last_seq >= ? ORDER BY last_seq LIMIT 1;

-- frames_drop
DELETE FROM frames WHERE last_seq = ?;

-- event_keys_get
SELECT seq FROM event_keys WHERE at = ? AND key = ?;

-- event_keys_between
SELECT key, seq FROM event_keys WHERE at BETWEEN ? AND ? LIMIT 500;

-- event_keys_add
INSERT INTO event_keys (at, key, seq) VALUES (?, ?, ?);

-- event_keys_drop
DELETE FROM event_keys WHERE at = ? AND key = ?;

-- event_keys_count
SELECT count(*) FROM event_keys;

-- quarantine_add
INSERT INTO quarantine (received_at, body, field, value, rule, hint, kind, size_bytes, digest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (digest) DO UPDATE SET
  times = times + 1, received_at = excluded.received_at, value = excluded.value, hint = excluded.hint
RETURNING id;

-- quarantine_holds
SELECT 1 FROM quarantine WHERE digest = ?;

-- quarantine_page
SELECT id, received_at, body, field, value, rule, hint, kind, size_bytes, times FROM quarantine
WHERE id < ? ORDER BY id DESC LIMIT ?;

-- quarantine_get
SELECT id, received_at, body, field, value, rule, hint, kind, size_bytes, times FROM quarantine WHERE id = ?;

-- quarantine_sizes
SELECT id, length(body) FROM quarantine INDEXED BY quarantine_sizes ORDER BY id;

-- quarantine_totals
SELECT count(*), coalesce(sum(length(body)), 0) FROM quarantine INDEXED BY quarantine_sizes;

-- quarantine_drop
DELETE FROM quarantine WHERE id = ?;

-- quarantine_count
SELECT count(*) FROM quarantine;

-- quarantine_forget
DELETE FROM quarantine WHERE received_at < ?;

-- frame_of
SELECT last_seq, first_seq, keys, received, body FROM frames WHERE last_seq >= ? ORDER BY last_seq LIMIT 1;

-- event_keys_ascending
SELECT at, seq FROM event_keys WHERE at >= ? AND at < ? ORDER BY at, key;

-- event_keys_descending
SELECT at, seq FROM event_keys WHERE at >= ? AND at < ? ORDER BY at DESC, key DESC;

-- pulses_between
SELECT start, type, count FROM pulses WHERE start >= ? AND start < ? ORDER BY start, type;

-- listed_namespaces
WITH RECURSIVE seen (namespace) AS (
  SELECT min(namespace) FROM listings
  UNION ALL
  SELECT (SELECT min(namespace) FROM listings WHERE namespace > seen.namespace) FROM seen WHERE seen.namespace IS NOT NULL
)
SELECT spelt, '', created_at, (SELECT created_at FROM listings WHERE namespace = seen.namespace ORDER BY created_at DESC LIMIT 1)
FROM seen JOIN listings ON node = (SELECT node FROM listings WHERE namespace = seen.namespace ORDER BY created_at, spelt, source_uri LIMIT 1)
WHERE seen.namespace IS NOT NULL ORDER BY seen.namespace;

-- listed_namespace
SELECT spelt, '', created_at, (SELECT created_at FROM listings WHERE namespace = one.namespace ORDER BY created_at DESC LIMIT 1)
FROM listings AS one WHERE namespace = ? ORDER BY created_at, spelt, source_uri LIMIT 1;

-- listed_sources
-- Of two lower bounds SQLite seeks by the first; the other one is what lets it use the index.
WITH RECURSIVE seen (source) AS (
  SELECT min(source) FROM listings WHERE source > ''
  UNION ALL
  SELECT (SELECT min(source) FROM listings WHERE source > seen.source AND source > '') FROM seen WHERE seen.source IS NOT NULL
)
SELECT seen.source, source_uri, created_at, (SELECT created_at FROM listings WHERE source > '' AND source = seen.source ORDER BY created_at DESC LIMIT 1)
FROM seen JOIN listings ON node = (SELECT node FROM listings WHERE source > '' AND source = seen.source ORDER BY created_at, spelt, source_uri LIMIT 1)
WHERE seen.source IS NOT NULL ORDER BY seen.source;

-- listed_source
SELECT source, source_uri, created_at, (SELECT created_at FROM listings WHERE source > '' AND source = one.source ORDER BY created_at DESC LIMIT 1)
FROM listings AS one WHERE source = ? AND source > '' ORDER BY created_at, spelt, source_uri LIMIT 1;

-- listed_datasets
SELECT node FROM listings WHERE kind = 1 AND is_deleted = 0 ORDER BY namespace, name, node LIMIT ? OFFSET ?;

-- listed_datasets_in
SELECT node FROM listings WHERE kind = 1 AND is_deleted = 0 AND namespace = ? ORDER BY name, node LIMIT ? OFFSET ?;

-- listed_jobs
SELECT node FROM listings LEFT JOIN runs ON runs.id = (SELECT id FROM runs WHERE job = node ORDER BY started_at DESC, run_id DESC LIMIT 1)
WHERE listings.kind = 2 AND is_deleted = 0 AND (:states = '[]' OR runs.state IN (SELECT value FROM json_each(:states)))
ORDER BY started_at IS NULL, started_at DESC, run_id DESC, namespace, name, node LIMIT :limit OFFSET :offset;

-- listed_jobs_in
SELECT node FROM listings LEFT JOIN runs ON runs.id = (SELECT id FROM runs WHERE job = node ORDER BY started_at DESC, run_id DESC LIMIT 1)
WHERE listings.kind = 2 AND is_deleted = 0 AND namespace = :namespace AND (:states = '[]' OR runs.state IN (SELECT value FROM json_each(:states)))
ORDER BY started_at IS NULL, started_at DESC, run_id DESC, name, node LIMIT :limit OFFSET :offset;

-- listed_count
SELECT count(*) FROM listings WHERE kind = ? AND is_deleted = 0;

-- listed_count_in
SELECT count(*) FROM listings WHERE kind = ? AND is_deleted = 0 AND namespace = ?;

-- listed_count_states
SELECT count(*) FROM listings JOIN runs ON runs.id = (SELECT id FROM runs WHERE job = node ORDER BY started_at DESC, run_id DESC LIMIT 1)
WHERE listings.kind = 2 AND is_deleted = 0 AND (:namespace IS NULL OR namespace = :namespace) AND runs.state IN (SELECT value FROM json_each(:states));

-- listed_before
SELECT count(*) FROM listings WHERE kind = ? AND created_at < ?;

-- runs_count_of_job
SELECT count(*) FROM runs WHERE job = ?;

-- runs_recent
SELECT job, state FROM runs ORDER BY started_at DESC, run_id DESC LIMIT ?;

-- touches_add
INSERT INTO touches (seq, before, nodes) VALUES (?, ?, ?);

-- touches_after
SELECT seq, before, nodes FROM touches WHERE seq > ? ORDER BY seq;

-- touches_drop
DELETE FROM touches WHERE seq <= ?;
