-- Functions of the owner of the tables, called by the role that the store works as.

-- Makes the partitions of this month and the next, by the server's clock; says how many are new.
CREATE OR REPLACE FUNCTION :schema.make_months() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = :schema, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  first timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
  starts timestamp;
  part text;
  made integer := 0;
BEGIN
  FOREACH starts IN ARRAY ARRAY[first, first + interval '1 month'] LOOP
    part := 'frames_' || to_char(starts, 'YYYY_MM');
    CONTINUE WHEN to_regclass(part) IS NOT NULL;
    BEGIN
      EXECUTE format(
        'CREATE TABLE %I PARTITION OF frames FOR VALUES FROM (%s) TO (%s)', part,
        (extract(epoch FROM starts) * 1000000)::bigint,
        (extract(epoch FROM starts + interval '1 month') * 1000000)::bigint
      );
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
      EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', part);
      EXECUTE format(
        'CREATE POLICY tenant ON %I USING (tenant_id = current_setting(''headwater.tenant'', true))'
        ' WITH CHECK (tenant_id = current_setting(''headwater.tenant'', true))', part
      );
      made := made + 1;
    EXCEPTION
      WHEN duplicate_table THEN NULL;  -- another process was first
      WHEN check_violation THEN NULL;  -- events of that month lie in frames_other already, and stay there
      WHEN lock_not_available THEN NULL;  -- another time
    END;
  END LOOP;
  RETURN made;
END $$;

-- Drops partitions of months before that of an instant which hold nothing of anybody; says how many.
CREATE OR REPLACE FUNCTION :schema.drop_empty_months(before bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = :schema, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  part text;
  is_empty boolean;
  dropped integer := 0;
BEGIN
  FOR part IN
    SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'frames'::regclass AND c.relname ~ '^frames_[0-9]{4}_[0-9]{2}$'
      AND c.relname < 'frames_' || to_char(to_timestamp(least(greatest(before, 0) / 1000000.0, extract(epoch FROM now()))) AT TIME ZONE 'UTC', 'YYYY_MM')
    ORDER BY c.relname
  LOOP
    BEGIN
      EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', part);
      EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', part);  -- for the owner, until the next line but one
      EXECUTE format('SELECT count(*) = 0 FROM (SELECT 1 FROM %I LIMIT 1) AS one', part) INTO is_empty;  -- for Citus too
      EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', part);
      IF is_empty THEN
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
      END IF;
    EXCEPTION
      WHEN lock_not_available THEN NULL;  -- another time
    END;
  END LOOP;
  RETURN dropped;
END $$;

-- Deletes frames, with the rights and under the policies of whoever calls. As functions, because a hypertable behind a
-- view needs another way (``timescale.sql``).
CREATE OR REPLACE FUNCTION :schema.forget_frames(tenant text, before bigint) RETURNS void
LANGUAGE plpgsql SET search_path = :schema, pg_temp AS $$
BEGIN
  DELETE FROM frames WHERE tenant_id = tenant AND received_at < before;
END $$;

CREATE OR REPLACE FUNCTION :schema.drop_frame(tenant text, seq bigint) RETURNS void
LANGUAGE plpgsql SET search_path = :schema, pg_temp AS $$
BEGIN
  DELETE FROM frames WHERE tenant_id = tenant AND last_seq = seq;
END $$;

REVOKE ALL ON FUNCTION :schema.make_months(), :schema.drop_empty_months(bigint), :schema.forget_frames(text, bigint),
  :schema.drop_frame(text, bigint) FROM PUBLIC;
