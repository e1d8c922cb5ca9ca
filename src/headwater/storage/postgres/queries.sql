-- Those statements of the PostgreSQL store that do not follow from a table's layout, by name.
-- A name stands alone on a comment line above its statement. ``:tenant`` is the tenant, ``:table`` one of the contents.
-- ``:owner`` and ``:beside`` take the tenant from its row where Citus has to find the node by it.

-- tenant_add
INSERT INTO tenants (tenant_id, counters) VALUES (:tenant, jsonb_build_object('origin', %s::bigint, 'projection', %s::bigint))
ON CONFLICT (tenant_id) DO NOTHING;

-- make_months
SELECT make_months();

-- drop_empty_months
SELECT drop_empty_months(%s);

-- tenant_get
SELECT changes, counters FROM tenants WHERE tenant_id = :tenant;

-- tenant_lock
SELECT changes, counters FROM tenants WHERE tenant_id = :tenant FOR NO KEY UPDATE;

-- tenant_put
UPDATE tenants SET changes = changes + 1, counters = %s::jsonb WHERE tenant_id = :tenant;

-- tenant_seq
SELECT coalesce((counters ->> 'event')::bigint, 0) FROM tenants WHERE tenant_id = %s;

-- notify
SELECT pg_notify('headwater', %s);

-- names_named
SELECT names.id, names.kind, names.namespace, names.name, names.node, names.raw_namespace, names.raw_name, names.first_at, names.first_key, names.is_direct, names.is_renamed
FROM unnest(%b::bigint[], %b::text[], %b::text[]) AS wanted (kind, namespace, name)
JOIN names ON names.tenant_id = :tenant AND md5(names.name) = md5(wanted.name)
  AND md5(names.namespace) = md5(wanted.namespace) AND names.name = wanted.name
  AND names.namespace = wanted.namespace AND names.kind = wanted.kind;

-- contents_id_of
SELECT id FROM :table WHERE tenant_id = :tenant AND digest = %s;

-- contents_get
SELECT content FROM :table WHERE tenant_id = :tenant AND id = %s;

-- contents_get_many
SELECT id, content FROM :table WHERE tenant_id = :tenant AND id = ANY(%b::bigint[]);

-- contents_put
INSERT INTO :table (tenant_id, id, digest, content)
SELECT :owner, added.* FROM unnest(%b::bigint[], %b::bytea[], %b::bytea[]) AS added :beside;

-- contents_digests
SELECT digest, id FROM :table WHERE tenant_id = :tenant AND id > %s ORDER BY id LIMIT %s;

-- runs_ids_of
SELECT run_id, id FROM runs WHERE tenant_id = :tenant AND run_id = ANY(%b::bytea[]);

-- runs_id_of
SELECT id FROM runs WHERE tenant_id = :tenant AND run_id = %s;

-- version_before
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE tenant_id = :tenant AND dataset = %s AND created_at <= %s AND run <> 0 AND run_id <> %s
ORDER BY created_at DESC, run_id DESC LIMIT 1;

-- version_marked_before
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE tenant_id = :tenant AND dataset = %s AND created_at <= %s AND run <> 0 AND run_id <> %s
  AND %s IN (tag, fingerprint, file_digest)
ORDER BY created_at DESC, run_id DESC LIMIT 1;

-- writes_before
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE tenant_id = :tenant AND dataset = %s AND job = %s AND run <> 0 AND created_at <= %s AND (created_at, run_id) < (%s, %s)
ORDER BY created_at DESC, run_id DESC LIMIT %s;

-- writes_after
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE tenant_id = :tenant AND dataset = %s AND job = %s AND run <> 0 AND created_at >= %s AND (created_at, run_id) > (%s, %s)
ORDER BY created_at, run_id LIMIT %s;

-- latest_versions
SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
WHERE tenant_id = :tenant AND dataset = %s AND created_at <= %s
ORDER BY created_at DESC, run_id DESC, tag COLLATE "C" DESC LIMIT %s;

-- version_ordinal
SELECT count(*) FROM versions
WHERE tenant_id = :tenant AND dataset = %s
  AND (created_at < %s OR (created_at = %s AND (run_id, tag COLLATE "C") <= (%s, %s)));

-- latest_version_of_each
SELECT last.id, last.dataset, last.created_at, last.run, last.run_id, last.job, last.tag, last.fingerprint, last.file_digest, last.row_count, last.shape
FROM unnest(%b::bigint[]) AS wanted (dataset) CROSS JOIN LATERAL (
  SELECT id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape FROM versions
  WHERE tenant_id = :tenant AND dataset = wanted.dataset AND created_at <= %s
  ORDER BY created_at DESC, run_id DESC, tag COLLATE "C" DESC LIMIT 1
) AS last;

-- version_ordinals
SELECT one.id, (
  SELECT count(*) FROM versions AS other
  WHERE other.tenant_id = :tenant AND other.dataset = one.dataset AND other.created_at <= one.created_at
    AND (other.created_at < one.created_at
      OR (other.run_id, other.tag COLLATE "C") <= (one.run_id, one.tag COLLATE "C"))
) FROM versions AS one WHERE one.tenant_id = :tenant AND one.id = ANY(%b::bigint[]);

-- latest_run_of_each
-- Without the document, which may be large.
SELECT last.id, last.run_id, last.job, last.state, last.operation, last.started_at, last.ended_at, last.parent_run
FROM unnest(%b::bigint[]) AS wanted (job) CROSS JOIN LATERAL (
  SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run FROM runs
  WHERE tenant_id = :tenant AND job = wanted.job AND started_at <= %s
  ORDER BY started_at DESC, run_id DESC LIMIT 1
) AS last;

-- run_heads
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run FROM runs
WHERE tenant_id = :tenant AND id = ANY(%b::bigint[]);

-- edges_holding
-- ``:side`` is source, target or job.
SELECT edges.source, edges.target, edges.job, edges.kind, edges.valid_from, edges.valid_to, edges.how, edges.run, edges.mapping, flows.last_by FROM edges
LEFT JOIN flows ON flows.tenant_id = :tenant AND flows.job = edges.job AND flows.target = edges.target AND flows.kind = edges.kind
WHERE edges.tenant_id = :tenant
  AND CASE WHEN %(as_of)s::bigint IS NULL THEN edges.valid_to IS NULL
    ELSE edges.valid_from <= %(as_of)s AND (edges.valid_to IS NULL OR edges.valid_to > %(as_of)s) END
  AND edges.:side = ANY(%(nodes)b::bigint[]);

-- named_nodes
SELECT nodes.id, nodes.kind, nodes.type, nodes.created_at, nodes.updated_at, nodes.is_dropped, names.raw_namespace, names.raw_name FROM nodes
JOIN names ON names.tenant_id = :tenant AND names.node = nodes.id
WHERE nodes.tenant_id = :tenant AND nodes.id = ANY(%b::bigint[]);

-- edges_between
SELECT edges.source, edges.target, edges.job, edges.kind, edges.valid_from, edges.valid_to, edges.how, edges.run, edges.mapping, flows.last_by
FROM unnest(%(sources)b::bigint[], %(targets)b::bigint[]) AS pair (source, target)
JOIN edges ON edges.source = pair.source AND edges.target = pair.target
LEFT JOIN flows ON flows.tenant_id = :tenant AND flows.job = edges.job AND flows.target = edges.target AND flows.kind = edges.kind
WHERE edges.tenant_id = :tenant
  AND CASE WHEN %(as_of)s::bigint IS NULL THEN edges.valid_to IS NULL
    ELSE edges.valid_from <= %(as_of)s AND (edges.valid_to IS NULL OR edges.valid_to > %(as_of)s) END;

-- nodes_after
SELECT id, kind, type, created_at, updated_at, head, head_at, head_run, read_until, life_at, life_key, life_run, is_dropped FROM nodes
WHERE tenant_id = :tenant AND id > %s AND (%s::smallint IS NULL OR kind = %s)
  AND (%s::text IS NULL OR upper(type COLLATE "C") = upper(%s COLLATE "C")) ORDER BY id LIMIT %s;

-- runs_between
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE tenant_id = :tenant AND run_id BETWEEN %s AND %s ORDER BY run_id LIMIT %s;

-- runs_by_start
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE tenant_id = :tenant AND started_at < %s AND (%s::smallint IS NULL OR state = %s)
ORDER BY started_at DESC, run_id DESC LIMIT %s;

-- runs_of_job_by_start
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE tenant_id = :tenant AND started_at < %s AND (%s::smallint IS NULL OR state = %s) AND job = %s
ORDER BY started_at DESC, run_id DESC LIMIT %s;

-- runs_of_parent_by_start
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE tenant_id = :tenant AND started_at < %s AND (%s::smallint IS NULL OR state = %s)
  AND parent_run = %s AND parent_run <> ''
ORDER BY started_at DESC, run_id DESC LIMIT %s;

-- runs_of_job_and_parent_by_start
SELECT id, run_id, job, state, operation, started_at, ended_at, parent_run, doc FROM runs
WHERE tenant_id = :tenant AND started_at < %s AND (%s::smallint IS NULL OR state = %s)
  AND job = %s AND parent_run = %s AND parent_run <> ''
ORDER BY started_at DESC, run_id DESC LIMIT %s;

-- latest_changes
SELECT DISTINCT ON (node, name_key) node, name, at, key, body, run_id, is_repeated FROM changes
WHERE tenant_id = :tenant AND node = ANY(%b::bigint[]) AND at <= %s ORDER BY node, name_key, at DESC, key DESC;

-- edges_before
SELECT last.* FROM unnest(%b::bigint[]) AS given (source)
CROSS JOIN LATERAL (
  SELECT source, target, job, kind, valid_from, valid_to, how, run, mapping FROM edges
  WHERE tenant_id = :tenant AND edges.source = given.source AND target = %s AND job = %s AND kind = %s AND valid_from < %s
  ORDER BY valid_from DESC LIMIT 1
) AS last;

-- changes_before
SELECT node, name, at, key, body, run_id, is_repeated FROM changes
WHERE tenant_id = :tenant AND node = %s AND name_key = md5(%s::text) AND (at, key) < (%s, %s) ORDER BY at DESC, key DESC LIMIT %s;

-- changes_from
SELECT node, name, at, key, body, run_id, is_repeated FROM changes
WHERE tenant_id = :tenant AND node = %s AND name_key = md5(%s::text) AND (at, key) >= (%s, %s) ORDER BY at, key LIMIT %s;

-- mentions_add
INSERT INTO mentions (tenant_id, min_at, max_at, id, body) VALUES (:tenant, %s, %s, %s, %s);

-- mentions_within
SELECT min_at, id, body FROM mentions
WHERE tenant_id = :tenant AND max_at >= %s AND min_at <= %s AND (min_at, id) > (%s, %s) ORDER BY min_at, id LIMIT %s;

-- edge_log_add
INSERT INTO edge_log (tenant_id, seq, source, target, job, kind, valid_from, valid_to, mapping)
SELECT :owner, told.* FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[]) AS told :beside;

-- edge_log_since
SELECT seq, source, target, job, kind, valid_from, valid_to, mapping FROM edge_log
WHERE tenant_id = :tenant AND seq > %s ORDER BY seq LIMIT %s;

-- second_write_after
SELECT created_at FROM versions WHERE tenant_id = :tenant AND dataset = %s AND created_at > %s AND run <> 0
ORDER BY created_at LIMIT 1 OFFSET 1;

-- reads_add
INSERT INTO reads (tenant_id, dataset, mark, at, run)
SELECT :owner, told.* FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[]) AS told :beside
ON CONFLICT DO NOTHING;

-- reads_between
SELECT run FROM reads WHERE tenant_id = :tenant AND dataset = %s AND mark = %s AND at BETWEEN %s AND %s;

-- reads_earliest
SELECT at, run FROM reads WHERE tenant_id = :tenant AND dataset = %s AND mark = %s AND at >= %s
ORDER BY at, run LIMIT %s;

-- reads_earliest_of_each
SELECT wanted.place, one.at, one.run
FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]) WITH ORDINALITY AS wanted (dataset, mark, first, place)
CROSS JOIN LATERAL (
  SELECT at, run FROM reads
  WHERE tenant_id = :tenant AND dataset = wanted.dataset AND mark = wanted.mark AND at >= wanted.first
  ORDER BY at, run LIMIT %s
) AS one ORDER BY wanted.place, one.at, one.run;

-- rewrites_add
INSERT INTO rewrites (tenant_id, seq, size, body) VALUES (:tenant, %s, %s, %s);

-- rewrites_after
SELECT seq, body FROM rewrites WHERE tenant_id = :tenant AND seq > %s AND seq <= %s ORDER BY seq;

-- rewrites_oldest
-- The last of the oldest that hold so many edges together, and how many those are.
SELECT seq, total FROM (
  SELECT seq, sum(size) OVER (ORDER BY seq) AS total FROM rewrites WHERE tenant_id = :tenant
) AS summed WHERE total >= %s ORDER BY seq LIMIT 1;

-- rewrites_drop
DELETE FROM rewrites WHERE tenant_id = :tenant AND seq <= %s;

-- derivations_after
SELECT id, run, job, edges FROM derivations WHERE tenant_id = :tenant AND id > %s ORDER BY id LIMIT %s;

-- dataset_kinds
SELECT id, kind FROM nodes WHERE tenant_id = :tenant AND id >= %s ORDER BY id;

-- run_kinds
SELECT id, kind FROM (
  SELECT id, 3 AS kind FROM versions WHERE tenant_id = :tenant AND id >= %s
  UNION ALL SELECT id, 4 AS kind FROM derivations WHERE tenant_id = :tenant AND id >= %s
) AS steps ORDER BY id;

-- held_mappings
SELECT held.count, mappings.content
FROM (
  SELECT mapping, count(*) AS count FROM edges
  WHERE tenant_id = :tenant AND valid_to IS NULL AND mapping <> 0 GROUP BY mapping
) AS held
JOIN mappings ON mappings.tenant_id = :tenant AND mappings.id = held.mapping;

-- count_rows
SELECT
  (SELECT count(*) FROM nodes WHERE tenant_id = :tenant AND kind = 1),
  (SELECT count(*) FROM nodes WHERE tenant_id = :tenant AND kind = 2),
  (SELECT count(*) FROM runs WHERE tenant_id = :tenant),
  (SELECT count(*) FROM versions WHERE tenant_id = :tenant),
  (SELECT count(*) FROM edges WHERE tenant_id = :tenant);

-- log_events
SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM frames WHERE tenant_id = :tenant;

-- log_bytes
-- Lengths are known without reading what lies apart.
SELECT coalesce(sum(octet_length(body) + octet_length(keys) + octet_length(received)), 0)
FROM frames WHERE tenant_id = :tenant;

-- loose_add
INSERT INTO loose (tenant_id, node, keys) SELECT :owner, added.* FROM unnest(%b::bigint[], %b::text[]) AS added :beside
ON CONFLICT DO NOTHING;

-- loose_nodes
SELECT node FROM loose WHERE tenant_id = :tenant;

-- loose_clear
DELETE FROM loose WHERE tenant_id = :tenant RETURNING node, keys;

-- postings_of
SELECT key, part, nodes FROM postings WHERE tenant_id = :tenant AND key = ANY(%b::text[]) ORDER BY key, part;

-- postings_part
SELECT key, nodes FROM postings WHERE tenant_id = :tenant AND part = %s AND key = ANY(%b::text[]);

-- postings_keys
-- One key after another, without the parts between them.
WITH RECURSIVE seen (key) AS (
  (SELECT key FROM postings WHERE tenant_id = :tenant AND key >= %s AND key <= %s ORDER BY key LIMIT 1)
  UNION ALL
  SELECT next.key FROM seen CROSS JOIN LATERAL (
    SELECT key FROM postings WHERE tenant_id = :tenant AND key > seen.key AND key <= %s ORDER BY key LIMIT 1
  ) AS next
)
SELECT key FROM seen;

-- postings_put
INSERT INTO postings (tenant_id, key, part, nodes)
SELECT :owner, added.* FROM unnest(%b::text[], %b::bigint[], %b::bytea[]) AS added :beside
ON CONFLICT (tenant_id, key, part) DO UPDATE SET nodes = excluded.nodes;

-- postings_drop
DELETE FROM postings WHERE tenant_id = :tenant AND part = %s AND key = ANY(%b::text[]);

-- frames_add
INSERT INTO frames (tenant_id, last_seq, first_seq, keys, received, body, received_from, received_at)
VALUES (:tenant, %s, %s, %s, %s, %s, %s, %s);

-- frames_since
SELECT last_seq, first_seq, keys, received, body FROM frames
WHERE tenant_id = :tenant AND last_seq > %s ORDER BY last_seq LIMIT %s;

-- frames_keys
SELECT wanted.seq, substring(held.keys FROM ((wanted.seq - held.first_seq) * %s + 1)::integer FOR %s)
FROM unnest(%b::bigint[]) AS wanted (seq) CROSS JOIN LATERAL (
  SELECT first_seq, keys FROM frames WHERE tenant_id = :tenant AND last_seq >= wanted.seq ORDER BY last_seq LIMIT 1
) AS held;

-- frames_across
-- Frames of which a part was received before an instant.
SELECT last_seq, first_seq, keys, received, body FROM frames
WHERE tenant_id = :tenant AND received_from < %s AND received_at >= %s;

-- frames_before
-- The numbers of all events in frames that were received before an instant, as ranges; how many, and their bytes.
SELECT range_agg(int8range(first_seq, last_seq, '[]'))::text, coalesce(sum(last_seq - first_seq + 1), 0),
  coalesce(sum(octet_length(body) + octet_length(keys) + octet_length(received)), 0)
FROM frames WHERE tenant_id = :tenant AND received_at < %s;

-- frames_forget
SELECT forget_frames(:tenant, %s::bigint);

-- event_keys_forget
DELETE FROM event_keys WHERE tenant_id = :tenant AND seq <@ %s::int8multirange;

-- frames_drop
SELECT drop_frame(:tenant, %s::bigint);

-- event_keys_find
SELECT stored.key, stored.seq FROM unnest(%b::bigint[], %b::bytea[]) AS wanted (at, key)
JOIN event_keys AS stored ON stored.tenant_id = :tenant AND stored.at = wanted.at AND stored.key = wanted.key;

-- event_keys_add
INSERT INTO event_keys (tenant_id, at, key, seq)
SELECT :owner, added.* FROM unnest(%b::bigint[], %b::bytea[], %b::bigint[]) AS added :beside;

-- event_keys_drop
DELETE FROM event_keys USING unnest(%b::bigint[], %b::bytea[]) AS gone (at, key)
WHERE tenant_id = :tenant AND event_keys.at = gone.at AND event_keys.key = gone.key;

-- quarantine_add
INSERT INTO quarantine (tenant_id, id, received_at, body, field, value, rule, hint, kind, size_bytes, times, digest)
SELECT :owner, added.* FROM unnest(%b::bigint[], %b::bigint[], %b::bytea[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bytea[]) AS added :beside
ON CONFLICT (tenant_id, digest) DO UPDATE SET times = quarantine.times + excluded.times,
  received_at = excluded.received_at, value = excluded.value, hint = excluded.hint
RETURNING digest, id;

-- quarantine_holds
SELECT 1 FROM quarantine WHERE tenant_id = :tenant AND digest = %s;

-- quarantine_page
SELECT id, received_at, body, field, value, rule, hint, kind, size_bytes, times FROM quarantine
WHERE tenant_id = :tenant AND id < %s ORDER BY id DESC LIMIT %s;

-- quarantine_get
SELECT id, received_at, body, field, value, rule, hint, kind, size_bytes, times FROM quarantine
WHERE tenant_id = :tenant AND id = %s;

-- quarantine_all
SELECT id, received_at, body, field, value, rule, hint, kind, size_bytes, times, digest FROM quarantine
WHERE tenant_id = :tenant ORDER BY id;

-- quarantine_sizes
SELECT id, octet_length(body) FROM quarantine WHERE tenant_id = :tenant ORDER BY id;

-- quarantine_totals
SELECT count(*), coalesce(sum(octet_length(body)), 0) FROM quarantine WHERE tenant_id = :tenant;

-- quarantine_drop
DELETE FROM quarantine WHERE tenant_id = :tenant AND id = ANY(%b::bigint[]);

-- quarantine_count
SELECT count(*) FROM quarantine WHERE tenant_id = :tenant;

-- quarantine_forget
DELETE FROM quarantine WHERE tenant_id = :tenant AND received_at < %s;

-- frame_of
SELECT last_seq, first_seq, keys, received, body FROM frames WHERE tenant_id = :tenant AND last_seq >= %s
ORDER BY last_seq LIMIT 1;

-- event_keys_ascending
SELECT at, key, seq FROM event_keys WHERE tenant_id = :tenant AND at >= %s AND at < %s AND (at, key) > (%s, %s)
ORDER BY at, key LIMIT %s;

-- event_keys_descending
SELECT at, key, seq FROM event_keys WHERE tenant_id = :tenant AND at >= %s AND at < %s AND (at, key) < (%s, %s)
ORDER BY at DESC, key DESC LIMIT %s;

-- dependencies_any
SELECT 1 FROM dependencies WHERE tenant_id = :tenant LIMIT 1;

-- listed_spans
-- ``:column`` is namespace or source; what is longer than its index entry is looked at again.
WITH RECURSIVE seen (part) AS (
  (SELECT left(:column, 160) COLLATE "C" FROM listings WHERE tenant_id = :tenant AND left(:column, 160) COLLATE "C" > ''
   ORDER BY left(:column, 160) COLLATE "C" LIMIT 1)
  UNION ALL
  SELECT (SELECT left(:column, 160) COLLATE "C" FROM listings
          WHERE tenant_id = :tenant AND left(:column, 160) COLLATE "C" > seen.part
          ORDER BY left(:column, 160) COLLATE "C" LIMIT 1)
  FROM seen WHERE seen.part IS NOT NULL
)
SELECT one.key, one.spelt, one.source_uri, one.created_at, (
  SELECT max(created_at) FROM listings WHERE tenant_id = :tenant AND left(:column, 160) COLLATE "C" = seen.part
)
FROM seen CROSS JOIN LATERAL (
  SELECT :column AS key, spelt, source_uri, created_at FROM listings
  WHERE tenant_id = :tenant AND left(:column, 160) COLLATE "C" = seen.part ORDER BY created_at, spelt COLLATE "C", source_uri COLLATE "C" LIMIT 1
) AS one
WHERE seen.part IS NOT NULL ORDER BY seen.part;

-- listed_long_spans
SELECT DISTINCT :column FROM listings WHERE tenant_id = :tenant AND left(:column, 160) COLLATE "C" = %s;

-- listed_span
SELECT :column, spelt, source_uri, created_at, (
  SELECT max(created_at) FROM listings
  WHERE tenant_id = :tenant AND left(:column, 160) COLLATE "C" = left(%s, 160) AND :column = %s
)
FROM listings WHERE tenant_id = :tenant AND left(:column, 160) COLLATE "C" = left(%s, 160) AND :column = %s
ORDER BY created_at, spelt COLLATE "C", source_uri COLLATE "C" LIMIT 1;

-- listed_datasets
SELECT node FROM listings WHERE tenant_id = :tenant AND kind = 1 AND NOT is_deleted
ORDER BY left(namespace, 160) COLLATE "C", namespace COLLATE "C", left(name, 400) COLLATE "C", name COLLATE "C", node
LIMIT %s OFFSET %s;

-- listed_datasets_in
SELECT node FROM listings WHERE tenant_id = :tenant AND kind = 1 AND NOT is_deleted
  AND left(namespace, 160) COLLATE "C" = left(%s, 160) AND namespace = %s
ORDER BY left(name, 400) COLLATE "C", name COLLATE "C", node LIMIT %s OFFSET %s;

-- listed_jobs
SELECT node FROM listings LEFT JOIN LATERAL (
  SELECT started_at, run_id, state FROM runs WHERE tenant_id = :tenant AND job = node
  ORDER BY started_at DESC, run_id DESC LIMIT 1
) AS last ON true
WHERE tenant_id = :tenant AND kind = 2 AND NOT is_deleted
  AND (cardinality(%b::bigint[]) = 0 OR last.state = ANY(%b::bigint[]))
ORDER BY last.started_at IS NULL, last.started_at DESC, last.run_id DESC, namespace COLLATE "C", name COLLATE "C", node
LIMIT %s OFFSET %s;

-- listed_jobs_in
SELECT node FROM listings LEFT JOIN LATERAL (
  SELECT started_at, run_id, state FROM runs WHERE tenant_id = :tenant AND job = node
  ORDER BY started_at DESC, run_id DESC LIMIT 1
) AS last ON true
WHERE tenant_id = :tenant AND kind = 2 AND NOT is_deleted
  AND (cardinality(%b::bigint[]) = 0 OR last.state = ANY(%b::bigint[]))
  AND left(namespace, 160) COLLATE "C" = left(%s, 160) AND namespace = %s
ORDER BY last.started_at IS NULL, last.started_at DESC, last.run_id DESC, name COLLATE "C", node LIMIT %s OFFSET %s;

-- listed_count
SELECT count(*) FROM listings WHERE tenant_id = :tenant AND kind = %s AND NOT is_deleted;

-- listed_count_in
SELECT count(*) FROM listings WHERE tenant_id = :tenant AND kind = %s AND NOT is_deleted
  AND left(namespace, 160) COLLATE "C" = left(%s, 160) AND namespace = %s;

-- listed_count_states
SELECT count(*) FROM listings CROSS JOIN LATERAL (
  SELECT state FROM runs WHERE tenant_id = :tenant AND job = node ORDER BY started_at DESC, run_id DESC LIMIT 1
) AS last
WHERE tenant_id = :tenant AND kind = 2 AND NOT is_deleted AND last.state = ANY(%b::bigint[])
  AND (%s::text IS NULL OR namespace = %s);

-- listed_before
SELECT count(*) FROM listings WHERE tenant_id = :tenant AND kind = %s AND created_at < %s;

-- runs_count_of_job
SELECT count(*) FROM runs WHERE tenant_id = :tenant AND job = %s;

-- pulses_between
SELECT start, type, count FROM pulses WHERE tenant_id = :tenant AND start >= %s AND start < %s ORDER BY start, type;

-- runs_recent
SELECT job, state FROM runs WHERE tenant_id = :tenant ORDER BY started_at DESC, run_id DESC LIMIT %s;

-- touches_add
INSERT INTO touches (tenant_id, seq, before, nodes) VALUES (:tenant, %s, %s, %s);

-- touches_after
SELECT seq, before, nodes FROM touches WHERE tenant_id = :tenant AND seq > %s ORDER BY seq;

-- touches_drop
DELETE FROM touches WHERE tenant_id = :tenant AND seq <= %s;
