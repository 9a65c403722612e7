-- The transaction of an attempt: the handler's own statements, and the job's completion.

-- name: mark
-- Its first statement: who it belongs to, and how long a handler may think between two statements of its own.
SELECT set_config('jobledger.attempt', $1, true), set_config('idle_in_transaction_session_timeout', $2, true);

-- name: resume
-- Before the completion: whether it is still that transaction, and no other isolation, which would look at old rows; and
-- the time.
SELECT coalesce(current_setting('jobledger.attempt', true), '') = $1
    AND current_setting('transaction_isolation') = 'read committed', {schema}.clock(),
    set_config('idle_in_transaction_session_timeout', '5s', true), set_config('statement_timeout', '30s', true),
    set_config('lock_timeout', '10s', true), set_config('role', 'none', true);

-- name: limits
-- Of a look at what came of it.
SELECT set_config('statement_timeout', '30s', true), set_config('lock_timeout', '10s', true);

-- name: completed
-- When a job of this type was last completed. Who finds somebody else writing the same leaves it to him: all handlers of
-- a type would queue here, each until the commit of the one before.
WITH mine AS MATERIALIZED (
    SELECT l.type_id FROM {schema}.last_completed l WHERE l.writer_id = 0 AND l.type_id = $1 FOR UPDATE SKIP LOCKED
), later AS (
    UPDATE {schema}.last_completed l SET at = greatest(l.at, $2) FROM mine m WHERE l.writer_id = 0 AND l.type_id = m.type_id
)
INSERT INTO {schema}.last_completed SELECT 0, $1, $2
WHERE NOT EXISTS (SELECT 1 FROM {schema}.last_completed l WHERE l.writer_id = 0 AND l.type_id = $1) ON CONFLICT DO NOTHING;
