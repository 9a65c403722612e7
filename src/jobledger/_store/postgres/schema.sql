-- What is asked of a database before it is trusted, and how it is migrated.

-- name: has_book
-- Whether there is a store.
SELECT to_regclass($1) IS NOT NULL;

-- name: book
-- Its schema, and its ladder.
SELECT version, needs, boundaries FROM {schema}.book;

-- name: lock
-- One migration at a time.
SELECT pg_advisory_xact_lock(hashtextextended($1, 0));

-- name: has_schema
-- Whether the schema was made beforehand: then nobody needs the right to make one.
SELECT to_regnamespace($1) IS NOT NULL;

-- name: create
-- A schema of its own.
CREATE SCHEMA {schema};

-- name: open_book
-- The one row of a new store.
INSERT INTO {schema}.book (one, version, needs, boundaries) VALUES (1, 0, 0, $1);

-- name: turn
-- A step is done.
UPDATE {schema}.book SET version = $1, needs = greatest(needs, $2);

-- name: backend
-- The server's process for a connection; a pooler tells another one.
SELECT pg_backend_pid();

-- name: set
-- A setting of a connection.
SELECT set_config($1, $2, false);

-- name: begin
-- A transaction of several statements.
BEGIN;

-- name: commit
-- Durable from here.
COMMIT;

-- name: rollback
-- Nothing happened.
ROLLBACK;
