-- Schemas that tests use one after the other.

-- name: others
-- Connections that a test has left behind: they could still write.
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'jobledger %';

-- name: empty
-- A schema as it was when it had just been migrated. Rows are few, so this is a hundred times faster than TRUNCATE.
DO $do$
DECLARE
    v_name text;
BEGIN
    SET LOCAL lock_timeout = '5s';
    FOR v_name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'r' AND c.relname <> 'book'
    LOOP
        EXECUTE 'DELETE FROM ' || v_name;
    END LOOP;
    FOR v_name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'S'
    LOOP
        EXECUTE 'ALTER SEQUENCE ' || v_name || ' RESTART';
    END LOOP;
    UPDATE {schema}.book SET (version, needs, boundaries) = (SELECT version, needs, boundaries FROM {schema}.pristine);
END $do$;

-- name: remember
-- What an emptied schema says of itself.
CREATE VIEW {schema}.pristine AS SELECT {version} AS version, {needs} AS needs, '{boundaries}'::text AS boundaries;

-- name: drop
-- A schema that can't be used again.
DROP SCHEMA IF EXISTS {schema} CASCADE;

-- name: tables
-- All tables of a schema.
SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1;
