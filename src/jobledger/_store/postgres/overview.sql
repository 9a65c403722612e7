-- What an overview shows beside the books. No statement reads a column behind `error`: results and payloads may be long.

-- name: live_workers
-- Workers that are not fenced: the last sign of life of the connection that renews the lease (unless a pooler hides it,
-- or this role may not see it), and whether that connection is gone. $1 is the store's time, which differs from the
-- server's only in tests.
SELECT w.writer_id, w.host, w.pid, w.slots, w.lease, w.started_at,
    $1::bigint - (extract(epoch FROM clock_timestamp() - a.state_change) * 1000000)::bigint,
    coalesce(l.given_up, false) OR (l.backend_pid IS NOT NULL AND a.pid IS NULL)
FROM {schema}.writer AS w LEFT JOIN {schema}.lease AS l ON l.writer_id = w.writer_id
LEFT JOIN pg_stat_activity AS a ON a.pid = l.backend_pid AND coalesce(a.backend_start = l.backend_start, true)
WHERE NOT w.dead AND w.kind = 'worker' ORDER BY w.writer_id;

-- name: gone_workers
-- Workers that ended at or after an instant, of the writers that were enlisted last.
SELECT writer_id, host, pid, died_at FROM (
    SELECT writer_id, host, pid, kind, died_at FROM {schema}.writer ORDER BY writer_id DESC LIMIT 1000
) AS latest WHERE kind = 'worker' AND died_at >= $1 ORDER BY died_at DESC, writer_id DESC LIMIT $2;

-- name: running
-- Per worker, how many jobs it runs, and the one that began first. There are no more of them than slots.
SELECT DISTINCT ON (writer_id) writer_id, count(*) OVER (PARTITION BY writer_id), id, type_id, entity, started_at, timeout
FROM {schema}.job WHERE lane = 'processing' ORDER BY writer_id, started_at;

-- name: mailboxes
-- The entities with the most jobs that wait behind another one, of so many such jobs; and how many of these there were.
SELECT entity, count(*) AS parked, (sum(count(*)) OVER ())::bigint FROM (
    SELECT entity FROM {schema}.job WHERE lane IN ('arrived', 'parked') ORDER BY entity, seq LIMIT $1
) AS waiting GROUP BY entity ORDER BY parked DESC, entity LIMIT $2;

-- name: holders
-- The jobs that the others of some entities wait behind.
SELECT entity, id, type_id, lane, writer_id, eligible_at, started_at, due_at, failures, max_attempts, right(error, $2)
FROM {schema}.job WHERE holds AND entity = ANY ($1::text[]) ORDER BY entity;

-- name: dead
-- The dead letters that were submitted last.
SELECT id, type_id, lane, reason, right(error, $2) FROM {schema}.ended WHERE lane = 'failed' ORDER BY key DESC LIMIT $1;

-- name: retrying
-- Of the scheduled jobs that are due next, those that failed before.
SELECT id, type_id, lane, reason, right(error, $2) FROM (
    SELECT id, type_id, lane, reason, error, failures FROM {schema}.job WHERE lane = 'scheduled' ORDER BY due_at LIMIT $1
) AS next WHERE failures > 0;
