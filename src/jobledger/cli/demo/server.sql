-- A schema of the demo.

-- name: workers
-- Workers that live: the connection that renews their lease is there.
SELECT count(*) FROM {schema}.writer AS w JOIN {schema}.lease AS l USING (writer_id)
JOIN pg_stat_activity AS a ON a.pid = l.backend_pid WHERE NOT w.dead;

-- name: drop
-- Make way for a new one.
DROP SCHEMA {schema} CASCADE;
