-- What `jobledger doctor` asks. Of other roles' connections the server tells little, unless one is in pg_read_all_stats.

-- name: server
-- What it is, and who asks.
SELECT current_setting('server_version_num')::integer, current_setting('server_version'), pg_is_in_recovery(),
    current_setting('transaction_read_only')::boolean, current_setting('fsync')::boolean,
    current_setting('full_page_writes')::boolean, current_setting('synchronous_commit'),
    current_setting('autovacuum')::boolean, current_setting('default_transaction_isolation'), current_user::text, pg_has_role('pg_read_all_stats', 'USAGE');

-- name: clock
-- Its time, in seconds.
SELECT extract(epoch FROM clock_timestamp())::float8;

-- name: connections
-- How many there may be for this role here, how many there are, and how many of them are ours.
SELECT least(
        current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer,
        (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
        (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
    ), count(*), count(*) FILTER (WHERE application_name LIKE 'jobledger %')
FROM pg_stat_activity WHERE backend_type = 'client backend';

-- name: rights
-- What this role has in the schema: its use, its ownership, and the rights that a worker lacks.
SELECT has_schema_privilege(n.oid, 'USAGE'), pg_has_role(n.nspowner, 'USAGE'), ARRAY(
        SELECT asked.what || ' on ' || c.relname FROM pg_class c, unnest(
            CASE WHEN c.relkind = 'S' THEN ARRAY['USAGE'] WHEN c.relname = 'book' THEN ARRAY['SELECT']
                ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END
        ) AS asked(what)
        WHERE c.relnamespace = n.oid AND (c.relkind = 'r' OR c.relname = 'number') AND CASE WHEN c.relkind = 'S'
            THEN NOT has_sequence_privilege(c.oid, asked.what) ELSE NOT has_table_privilege(c.oid, asked.what) END
        ORDER BY c.relname, asked.what
    )
FROM pg_namespace n WHERE n.nspname = $1;

-- name: tables
-- Rows that are there and rows that are dead, as the statistics have it, and seconds since the last vacuum.
SELECT s.relname::text, s.n_live_tup, s.n_dead_tup,
    extract(epoch FROM clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum))::float8,
    coalesce('autovacuum_enabled=false' = ANY (c.reloptions), false), pg_total_relation_size(s.relid)
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid WHERE s.schemaname = $1 ORDER BY s.relname;

-- name: holding
-- What keeps vacuum from removing dead rows: old transactions, prepared ones, and slots that nobody reads.
SELECT * FROM (
    SELECT 'a transaction' AS kind, format('process %s, %s, role %s, %s', pid, coalesce(nullif(application_name, ''),
            'without a name'), usename, state) AS what, extract(epoch FROM clock_timestamp() - xact_start)::float8 AS age
    FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
        AND pid <> pg_backend_pid() AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
    UNION ALL
    SELECT 'a prepared transaction', gid, extract(epoch FROM clock_timestamp() - prepared)::float8
    FROM pg_prepared_xacts WHERE database = current_database()
    UNION ALL
    SELECT 'a replication slot', slot_name::text, NULL FROM pg_replication_slots
    WHERE NOT active AND (xmin IS NOT NULL OR catalog_xmin IS NOT NULL)
) AS found WHERE coalesce(age, 1e9) > $1 ORDER BY age DESC NULLS LAST LIMIT 5;
