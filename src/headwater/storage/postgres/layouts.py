"""The columns of every table that is read and written row by row, those of the key first."""

from __future__ import annotations

from headwater.storage.postgres.table import Layout

LAYOUTS = {
    layout.table: layout
    for layout in (
        Layout(
            "names",
            "id bigint, kind smallint, namespace text, name text, node bigint, raw_namespace text, raw_name text,"
            " first_at bigint, first_key bytea, is_direct boolean, is_renamed boolean",
            key=1,
        ),
        Layout(
            "nodes",
            "id bigint, kind smallint, type text, created_at bigint, updated_at bigint, head bigint, head_at bigint,"
            " head_run text, read_until bigint, life_at bigint, life_key bytea, life_run text, is_dropped boolean",
            key=1,
        ),
        Layout(
            "runs",
            "id bigint, run_id bytea, job bigint, state smallint, operation text, started_at bigint, ended_at bigint,"
            " parent_run text, doc bytea",
            key=1,
        ),
        Layout(
            "versions",
            "id bigint, dataset bigint, created_at bigint, run bigint, run_id bytea, job bigint, tag text,"
            " fingerprint text, file_digest text, row_count bigint, shape bigint",
            key=1,
        ),
        Layout("derivations", "id bigint, run bigint, job bigint, edges bytea", key=1),
        Layout("dependencies", "run_id text, on_run text, at bigint", key=2),
        Layout("flows", "job bigint, target bigint, kind smallint, last_at bigint, last_by text, shape bigint", key=3),
        Layout(
            "edges",
            "source bigint, target bigint, job bigint, kind smallint, valid_from bigint, valid_to bigint,"
            " how smallint, run text, mapping bigint",
            key=5,
        ),
        Layout(
            "changes",
            "node bigint, name text, at bigint, key bytea, body bigint, run_id text, is_repeated boolean",
            key=4,
        ),
        Layout("statements", "subject bigint, kind smallint, at bigint, key bytea, says bytea", key=4),
        Layout("fields", "node bigint, names bytea", key=1),
        Layout(
            "search",
            "node bigint, kind smallint, namespace text, name text, fields text, description text, tags text,"
            " owners text, type text, is_deleted boolean",
            key=1,
        ),
    )
}
