-- Samples of the totals.

-- name: last_at
-- When the last sample of a kind was taken.
SELECT max(at) FROM {schema}.total WHERE step = $1;

-- name: cells
-- The books, but not the users' own series, which begin at a number.
SELECT number, type_id, priority, cell, sum(value)::text FROM (
    SELECT number, type_id, priority, cell, value FROM {schema}.ledger WHERE number < $1
    UNION ALL SELECT number, type_id, priority, cell, value FROM {schema}.ledger_delta WHERE number < $1
) AS counted GROUP BY number, type_id, priority, cell;

-- name: frame
-- The last coarse sample up to a time.
SELECT at, cells FROM {schema}.total WHERE step = $1 AND at <= $2 ORDER BY at DESC LIMIT 1;

-- name: add
-- One sample.
INSERT INTO {schema}.total (step, at, cells) VALUES ($1, $2, $3);

-- name: forget
-- Samples of a kind that are too old.
DELETE FROM {schema}.total WHERE step = $1 AND at <= $2;

-- name: size
-- Bytes of all samples.
SELECT coalesce(sum(length(cells)), 0)::bigint FROM {schema}.total;

-- name: oldest
-- The oldest samples of a kind.
SELECT max(at) FROM (SELECT at FROM {schema}.total WHERE step = $1 ORDER BY at LIMIT $2) AS oldest;

-- name: since
-- Samples of a kind in a time, in order.
SELECT at, cells FROM {schema}.total WHERE step = $1 AND at >= $2 AND at <= $3 ORDER BY at;

-- name: first_from
-- The first sample at or after a time; of two at once the coarse one, which is whole.
SELECT step, at, cells FROM (
    (SELECT step, at, cells FROM {schema}.total WHERE step = $2 AND at >= $1 ORDER BY at LIMIT 1)
    UNION ALL
    (SELECT step, at, cells FROM {schema}.total WHERE step = $3 AND at >= $1 ORDER BY at LIMIT 1)
) AS found ORDER BY at, step DESC LIMIT 1;
