-- The jobs that started or ended last: where exemplars come from. No statement reads a column behind `ended_at`:
-- errors, results and payloads may be long.

-- name: ended
-- The jobs that ended last, but for the dead letters.
SELECT id, type_id, priority, lane, entity IS NOT NULL, due_at, eligible_at, origin_at, run, started_at, ended_at, trace,
    (SELECT micros FROM history WHERE job_key = job.key ORDER BY history.version DESC LIMIT 1)
FROM job WHERE ended_at IS NOT NULL AND lane <> 'failed' ORDER BY ended_at DESC LIMIT ?;

-- name: dead
-- The dead letters that were submitted last: their index has no times.
SELECT id, type_id, priority, lane, entity IS NOT NULL, due_at, eligible_at, origin_at, run, started_at, ended_at, trace,
    (SELECT micros FROM history WHERE job_key = job.key ORDER BY history.version DESC LIMIT 1)
FROM job WHERE lane = 'failed' ORDER BY key DESC LIMIT ?;

-- name: running
-- The running jobs that started last; there are no more of them than slots.
SELECT id, type_id, priority, lane, entity IS NOT NULL, due_at, eligible_at, origin_at, run, started_at, ended_at, trace,
    NULL
FROM job WHERE key IN (
    SELECT key FROM job INDEXED BY job_running WHERE lane = 'processing' ORDER BY started_at DESC LIMIT ?
);
