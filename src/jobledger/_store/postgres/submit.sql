-- Submitting in the caller's own transaction: one statement, in the words of each driver.

-- name: asyncpg
-- Ids of jobs, and who holds their dedupe keys.
SELECT id, holder FROM {schema}.submit_all(CAST(CAST($1 AS text) AS json), $2);

-- name: psycopg
-- The same.
SELECT id, holder FROM {schema}.submit_all(CAST(CAST(%s AS text) AS json), %s);

-- name: sqlalchemy
-- The same.
SELECT id, holder FROM {schema}.submit_all(CAST(CAST(:items AS text) AS json), CAST(:strict AS boolean));
