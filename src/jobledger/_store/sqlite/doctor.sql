-- What a checkup asks of a store. Only tables of the first schema, so that an older file can be asked, too.

-- name: type_names
-- The types that the store knows.
SELECT name FROM type ORDER BY name;

-- name: writers
-- All writers that are not fenced, with the jobs that each runs.
SELECT writer_id, kind, host, pid,
    (SELECT count(*) FROM job WHERE lane = 'processing' AND job.writer_id = writer.writer_id)
FROM writer WHERE NOT dead ORDER BY writer_id;

-- name: handled
-- Which types each of them handles.
SELECT writer_id, type_id FROM writer_type;

-- name: queued
-- Queued jobs by type, from two gauges of the ledger.
SELECT type_id, name, sum(value) FROM ledger JOIN type USING (type_id) WHERE number IN (?, ?)
GROUP BY type_id HAVING sum(value) > 0 ORDER BY name;

-- name: now
-- The store's clock as last used.
SELECT now FROM book;

-- name: sampled
-- A sampled gauge, and when it was written.
SELECT value, at FROM sample WHERE name = ?;

-- name: quick_check
-- Whether the file is whole: up to 20 faults, or "ok".
PRAGMA quick_check(20);
