-- Pages of jobs. A page is a statement with a place in it for one of the ways to its rows, and for an order.

-- name: page
-- One slice of the jobs, by a filter.
SELECT * FROM job_row WHERE {way} AND key BETWEEN :low AND :high
    AND (:lanes IS NULL OR lane IN (SELECT value FROM json_each(:lanes)))
    AND (:types IS NULL OR type_id IN (SELECT value FROM json_each(:types)))
    AND (:entity IS NULL OR entity = :entity) AND (:batch IS NULL OR batch = :batch)
    AND (:reason IS NULL OR reason = :reason)
    AND (:submitted_since IS NULL OR submitted_at >= :submitted_since)
    AND (:submitted_until IS NULL OR submitted_at < :submitted_until)
    AND (:ended_since IS NULL OR ended_at >= :ended_since)
    AND (:ended_until IS NULL OR ended_at < :ended_until)
ORDER BY key {order} LIMIT :limit;

-- name: edge
-- The first row behind a slice of so many rows.
SELECT key FROM job WHERE {way} AND key BETWEEN :low AND :high ORDER BY key {order} LIMIT 1 OFFSET :rows;

-- name: by_key
-- All jobs, by their row number.
TRUE;

-- name: by_entity
-- One entity's jobs, by their index.
entity = :entity;

-- name: by_batch
-- One batch's jobs, by their index.
batch = :batch;

-- name: by_death
-- The dead-letter queue, by its index.
lane = 'failed';

-- name: by_lane
-- What is in some lanes, by the index of each, when that is little.
key IN (
    SELECT key FROM job INDEXED BY job_waiting WHERE lane = 'ready' AND :ready
    UNION ALL SELECT key FROM job INDEXED BY job_box WHERE lane = 'parked' AND :parked
    UNION ALL SELECT key FROM job INDEXED BY job_due WHERE lane = 'scheduled' AND :scheduled
    UNION ALL SELECT key FROM job INDEXED BY job_running WHERE lane = 'processing' AND :processing
    UNION ALL SELECT key FROM job INDEXED BY job_dead WHERE lane = 'failed' AND :failed
    UNION ALL SELECT key FROM job INDEXED BY job_ended WHERE ended_at IS NOT NULL AND lane <> 'failed' AND :ended
        AND ended_at >= coalesce(:ended_since, 0) AND ended_at < coalesce(:ended_until, 9223372036854775807)
);

-- name: count_lanes
-- How much that is, but no more than :most of each.
SELECT sum(rows) FROM (
    SELECT count(*) AS rows FROM (SELECT 1 FROM job INDEXED BY job_waiting WHERE lane = 'ready' AND :ready LIMIT :most)
    UNION ALL
    SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_box WHERE lane = 'parked' AND :parked LIMIT :most)
    UNION ALL
    SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_due WHERE lane = 'scheduled' AND :scheduled LIMIT :most)
    UNION ALL
    SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_running WHERE lane = 'processing' AND :processing LIMIT :most)
    UNION ALL
    SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_dead WHERE lane = 'failed' AND :failed LIMIT :most)
    UNION ALL
    SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_ended
        WHERE ended_at IS NOT NULL AND lane <> 'failed' AND :ended
        AND ended_at >= coalesce(:ended_since, 0) AND ended_at < coalesce(:ended_until, 9223372036854775807) LIMIT :most)
);

-- name: first_from
-- The first job from a row number on, with the time of its submit: both grow together.
SELECT key, submitted_at FROM job WHERE key >= ? ORDER BY key LIMIT 1;

-- name: last_key
-- The newest job.
SELECT coalesce(max(key), 0) FROM job;
