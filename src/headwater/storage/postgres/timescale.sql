-- The log as a hypertable, where TimescaleDB is installed when the schema is made.
-- TimescaleDB compresses no table with row-level security. So the hypertable lies in a schema that the store's role may
-- not enter, its chunks with it, and the store sees a view in its place that lets one tenant through, both ways.
CREATE SCHEMA IF NOT EXISTS :log;
ALTER TABLE :schema.frames SET SCHEMA :log;
SELECT create_hypertable(
  :frames, 'received_at', chunk_time_interval => 2592000000000, associated_schema_name => :chunks,
  create_default_indexes => false
);

CREATE FUNCTION :log.now_us() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT (extract(epoch FROM now()) * 1000000)::bigint $$;
SELECT set_integer_now_func(:frames, :clock);

-- What was received two months ago is not written any more.
ALTER TABLE :log.frames SET (
  timescaledb.compress, timescaledb.compress_segmentby = 'tenant_id', timescaledb.compress_orderby = 'last_seq'
);
SELECT add_compression_policy(:frames, 5184000000000);

CREATE VIEW :schema.frames WITH (security_barrier) AS
SELECT tenant_id, last_seq, received_at, received_from, first_seq, keys, received, body FROM :log.frames
WHERE tenant_id = current_setting('headwater.tenant', true) WITH CHECK OPTION;

-- Chunks are made by themselves.
CREATE FUNCTION :schema.make_months() RETURNS integer LANGUAGE sql AS $$ SELECT 0 $$;

-- Drops the chunks before an instant which hold nothing of anybody; says how many. A retention policy of TimescaleDB's
-- own would forget events and keep what follows from them.
CREATE FUNCTION :schema.drop_empty_months(before bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = :log, public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  part record;
  is_empty boolean;
  dropped integer := 0;
BEGIN
  FOR part IN
    SELECT range_start_integer AS starts, range_end_integer AS ends FROM timescaledb_information.chunks
    WHERE hypertable_schema = :chunks AND hypertable_name = 'frames'
      AND range_end_integer <= least(before, (extract(epoch FROM now()) * 1000000)::bigint)
    ORDER BY 1
  LOOP
    BEGIN
      LOCK TABLE frames IN SHARE ROW EXCLUSIVE MODE;
      SELECT NOT EXISTS (SELECT FROM frames WHERE received_at >= part.starts AND received_at < part.ends) INTO is_empty;
      IF is_empty THEN
        PERFORM drop_chunks(:frames::regclass, older_than => part.ends, newer_than => part.starts);
        dropped := dropped + 1;
      END IF;
    EXCEPTION
      WHEN lock_not_available THEN NULL;  -- another time
    END;
  END LOOP;
  RETURN dropped;
END $$;

-- Deletes frames of the tenant that is set. TimescaleDB 2.17 plans no deletion through the view.
CREATE FUNCTION :schema.forget_frames(tenant text, before bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = :log, public, pg_temp AS $$
BEGIN
  IF tenant IS DISTINCT FROM current_setting('headwater.tenant', true) THEN
    RAISE insufficient_privilege USING MESSAGE = 'frames of another tenant';
  END IF;
  DELETE FROM frames WHERE tenant_id = tenant AND received_at < before;
END $$;

CREATE FUNCTION :schema.drop_frame(tenant text, seq bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = :log, public, pg_temp AS $$
BEGIN
  IF tenant IS DISTINCT FROM current_setting('headwater.tenant', true) THEN
    RAISE insufficient_privilege USING MESSAGE = 'frames of another tenant';
  END IF;
  DELETE FROM frames WHERE tenant_id = tenant AND last_seq = seq;
END $$;

REVOKE ALL ON FUNCTION :schema.make_months(), :schema.drop_empty_months(bigint), :schema.forget_frames(text, bigint),
  :schema.drop_frame(text, bigint) FROM PUBLIC;
