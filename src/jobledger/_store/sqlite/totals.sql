-- Samples of the totals.

-- name: last_at
-- When the last sample of a kind was taken.
SELECT max(at) FROM total WHERE step = ?;

-- name: frame
-- The last coarse sample up to a time.
SELECT at, cells FROM total WHERE step = ? AND at <= ? ORDER BY at DESC LIMIT 1;

-- name: add
-- One sample.
INSERT INTO total (step, at, cells) VALUES (?, ?, ?);

-- name: forget
-- Samples of a kind that are too old.
DELETE FROM total WHERE step = ? AND at <= ?;

-- name: size
-- Bytes of all samples.
SELECT coalesce(sum(length(cells)), 0) FROM total;

-- name: oldest
-- The oldest samples of a kind.
SELECT max(at) FROM (SELECT at FROM total WHERE step = ? ORDER BY at LIMIT ?);

-- name: since
-- Samples of a kind in a time, in order.
SELECT at, cells FROM total WHERE step = ? AND at >= ? AND at <= ? ORDER BY at;

-- name: first_from
-- The first sample at or after a time; of two at once the coarse one, which is whole.
SELECT step, at, cells FROM (
    SELECT * FROM (SELECT step, at, cells FROM total WHERE step = ?2 AND at >= ?1 ORDER BY at LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT step, at, cells FROM total WHERE step = ?3 AND at >= ?1 ORDER BY at LIMIT 1)
) ORDER BY at, step DESC LIMIT 1;
