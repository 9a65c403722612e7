-- What an overview shows beside the books. No statement reads a column behind `error`: results and payloads may be long.

-- name: live_workers
-- Workers that are not fenced.
SELECT writer_id, host, pid, slots, lease, started_at FROM writer INDEXED BY writer_live
WHERE NOT dead AND kind = 'worker' ORDER BY writer_id;

-- name: gone_workers
-- Workers that ended at or after an instant, of the writers that were enlisted last.
SELECT writer_id, host, pid, died_at FROM (
    SELECT writer_id, host, pid, kind, died_at FROM writer ORDER BY writer_id DESC LIMIT 1000
) WHERE kind = 'worker' AND died_at >= :since ORDER BY died_at DESC, writer_id DESC LIMIT :limit;

-- name: running
-- Per worker, how many jobs it runs, and the row of the one that began first.
SELECT writer_id, count(*), min(started_at), key FROM job WHERE lane = 'processing' GROUP BY writer_id;

-- name: running_job
-- One of those rows.
SELECT id, type_id, entity, started_at, timeout FROM job WHERE key = ?;

-- name: mailboxes
-- The entities with the most parked jobs, of so many parked jobs; and how many of these there were.
SELECT entity, count(*) AS parked, sum(count(*)) OVER () FROM (
    SELECT entity FROM job INDEXED BY job_box WHERE lane = 'parked' ORDER BY entity, seq LIMIT :most
) GROUP BY entity ORDER BY parked DESC, entity LIMIT :limit;

-- name: holder
-- The job that an entity's others wait behind.
SELECT id, type_id, lane, writer_id, eligible_at, started_at, due_at, failures, max_attempts, substr(error, -:tail)
FROM job WHERE holds = 1 AND entity = :entity;

-- name: dead
-- The dead letters that were submitted last.
SELECT id, type_id, lane, reason, substr(error, -:tail) FROM job WHERE lane = 'failed' ORDER BY key DESC LIMIT :limit;

-- name: retrying
-- Of the scheduled jobs that are due next, those that failed before.
SELECT id, type_id, lane, reason, substr(error, -:tail) FROM job WHERE failures > 0 AND key IN (
    SELECT key FROM job INDEXED BY job_due WHERE lane = 'scheduled' ORDER BY due_at LIMIT :limit
) ORDER BY due_at;
