-- Pages of jobs. A page is a statement with places in it: for the ways to its rows among the jobs that are alive and
-- among those that have ended, and for an order. Each way asks for an order that only its index has.

-- name: page
-- One slice of the jobs, by a filter.
SELECT * FROM (
    (SELECT {row} FROM {schema}.job WHERE {alive} AND {narrow} ORDER BY {order} LIMIT $3)
    UNION ALL
    (SELECT {row} FROM {schema}.ended WHERE {ended} AND {narrow} ORDER BY {order} LIMIT $3)
) AS found ORDER BY key {direction} LIMIT $3;

-- name: edge
-- The first row behind a slice of so many rows; the nearer one of both tables.
SELECT key FROM (
    (SELECT key FROM {schema}.job WHERE {alive} ORDER BY {order} OFFSET $3 LIMIT 1)
    UNION ALL
    (SELECT key FROM {schema}.ended WHERE {ended} ORDER BY {order} OFFSET $3 LIMIT 1)
) AS edges ORDER BY key {direction} LIMIT 1;

-- name: narrow
-- What a filter lets through; what is not asked for is no condition once the values are known.
($5::text[] IS NULL OR lane = ANY ($5)) AND ($6::integer[] IS NULL OR type_id = ANY ($6))
    AND ($7::text IS NULL OR entity = $7) AND ($8::text IS NULL OR batch = $8) AND ($9::text IS NULL OR reason = $9)
    AND ($10::bigint IS NULL OR submitted_at >= $10) AND ($11::bigint IS NULL OR submitted_at < $11)
    AND ($12::bigint IS NULL OR ended_at >= $12) AND ($13::bigint IS NULL OR ended_at < $13)
    AND ($14::bigint[] IS NULL OR key = ANY ($14));

-- name: nowhere
-- A table that has none of them.
FALSE;

-- name: by_key
-- All jobs, by their row number.
key BETWEEN $1::bigint AND $2::bigint AND $4::text IS NULL;

-- name: by_entity
-- One entity's jobs, by their index. As one comparison of both columns, since `entity = $4` would leave their order to
-- the primary key as well: a walk through all jobs.
entity IS NOT NULL AND (entity, key) >= ($4::text, $1::bigint) AND (entity, key) <= ($4::text, $2::bigint);

-- name: by_batch
-- One batch's jobs, by their index, in the same way.
batch IS NOT NULL AND (batch, key) >= ($4::text, $1::bigint) AND (batch, key) <= ($4::text, $2::bigint);

-- name: by_death
-- The dead-letter queue, by its index.
lane = 'failed' AND key BETWEEN $1::bigint AND $2::bigint AND $4::text IS NULL;

-- name: few_ready
-- Ready jobs, no more than so many: the primary keys of what is little.
SELECT key FROM {schema}.job WHERE lane = 'ready' ORDER BY type_id, eligible_at LIMIT $1;

-- name: few_in_mailboxes
-- Arrived and parked jobs, which share an index.
SELECT key FROM {schema}.job WHERE lane IN ('arrived', 'parked') ORDER BY entity, seq LIMIT $1;

-- name: few_scheduled
-- Scheduled jobs.
SELECT key FROM {schema}.job WHERE lane = 'scheduled' ORDER BY due_at LIMIT $1;

-- name: few_processing
-- Running jobs.
SELECT key FROM {schema}.job WHERE lane = 'processing' ORDER BY writer_id LIMIT $1;

-- name: few_dead
-- Dead letters.
SELECT key FROM {schema}.ended WHERE lane = 'failed' ORDER BY key LIMIT $1;

-- name: few_ended
-- Jobs that ended in a time, but for the dead letters.
SELECT key FROM {schema}.ended WHERE lane <> 'failed' AND ended_at >= $2 AND ended_at < $3 ORDER BY ended_at LIMIT $1;

-- name: last_key
-- No job has a higher row number.
SELECT last_value FROM {schema}.number;

-- name: first_since
-- The row number of the first job that was submitted at or after $1, by halving; none is beyond $2. Both grow together.
WITH RECURSIVE halving(low, high) AS (
    SELECT 0::bigint, $2::bigint + 1
    UNION ALL
    SELECT CASE WHEN found.submitted_at < $1::bigint THEN found.key + 1 ELSE halving.low END,
        CASE WHEN found.submitted_at < $1::bigint THEN halving.high ELSE (halving.low + halving.high) / 2 END
    FROM halving LEFT JOIN LATERAL (
        SELECT both_tables.key, both_tables.submitted_at FROM (
            (SELECT job.key, job.submitted_at FROM {schema}.job AS job
                WHERE job.key >= (halving.low + halving.high) / 2 ORDER BY job.key LIMIT 1)
            UNION ALL
            (SELECT ended.key, ended.submitted_at FROM {schema}.ended AS ended
                WHERE ended.key >= (halving.low + halving.high) / 2 ORDER BY ended.key LIMIT 1)
        ) AS both_tables ORDER BY both_tables.key LIMIT 1
    ) AS found ON TRUE
    WHERE halving.low < halving.high
)
SELECT low FROM halving WHERE low >= high;
