-- The statements of a batch, and what upkeep writes.

-- name: batch
-- A whole batch in one call.
SELECT * FROM {schema}.batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: accept
-- A batch of new jobs from who runs none, in one call: the time, and their keys.
SELECT {schema}.accept($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: accept_and_tell
-- The same, and a wake-up after it.
CALL {schema}.accept_and_tell($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL);

-- name: fence
-- Its first statement; and the time.
SELECT {schema}.fence($1, $2);

-- name: lock
-- Its second: mailboxes of the jobs that it is about.
SELECT {schema}.lock_mailboxes_of($1, $2);

-- name: promote
-- Its third: what has become due.
SELECT o_deltas, o_keys, o_entities FROM {schema}.promote($1);

-- name: load_jobs
-- Jobs that have not ended, by key or id; those that somebody else has locked are left out.
SELECT {row} FROM {schema}.job WHERE key = ANY ($1::bigint[]) OR id = ANY ($2::text[]) ORDER BY key
FOR UPDATE SKIP LOCKED;

-- name: load_ended
-- Jobs that have.
SELECT {row} FROM {schema}.ended WHERE key = ANY ($1::bigint[]) OR id = ANY ($2::text[]) ORDER BY key
FOR UPDATE SKIP LOCKED;

-- name: left_out
-- Which jobs there are, locked or not; in a later statement, so that one which has moved meanwhile is seen.
SELECT key FROM {schema}.job WHERE key = ANY ($1::bigint[]) OR id = ANY ($2::text[])
UNION ALL SELECT key FROM {schema}.ended WHERE key = ANY ($1::bigint[]) OR id = ANY ($2::text[]) ORDER BY key;

-- name: wait_for
-- Until nobody has this job locked, or it has moved. By who holds nothing himself, so that nobody can wait for him.
SELECT key FROM {schema}.job WHERE key = $1 FOR UPDATE;

-- name: load_jobs_waiting
-- By who has one job, and its mailbox, and wants nothing else.
SELECT {row} FROM {schema}.job WHERE key = ANY ($1::bigint[]) OR id = ANY ($2::text[])
ORDER BY lane IN ('arrived', 'parked'), key FOR UPDATE;

-- name: load_ended_waiting
-- The same of jobs that have ended.
SELECT {row} FROM {schema}.ended WHERE key = ANY ($1::bigint[]) OR id = ANY ($2::text[]) ORDER BY key FOR UPDATE;

-- name: boxes
-- Whether one of these entities has a mailbox by now.
SELECT 1 FROM {schema}.mailbox WHERE entity = ANY ($1::text[]) LIMIT 1;

-- name: keys_of
-- The dedupe keys of dead letters, which a replay takes again.
SELECT type_id, dedupe FROM {schema}.ended WHERE id = ANY ($1::text[]) AND dedupe IS NOT NULL;

-- name: lock_key
-- Whoever wants a dedupe key waits for whoever has just taken it.
SELECT pg_advisory_xact_lock(hashtextextended($1, 0));

-- name: held_keys
-- Who has dedupe keys, and in which lane those jobs are (none: pruned).
SELECT d.type_id, d.key, d.job_id, d.until, coalesce(j.lane, e.lane)
FROM unnest($1::integer[], $2::text[]) AS k(type_id, key)
JOIN {schema}.dedupe d ON d.type_id = k.type_id AND d.key = k.key
LEFT JOIN {schema}.job j ON j.id = d.job_id LEFT JOIN {schema}.ended e ON e.id = d.job_id;

-- name: hold_keys
-- Jobs take their dedupe keys.
INSERT INTO {schema}.dedupe (type_id, key, job_id, until) SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (type_id, key) DO UPDATE SET job_id = excluded.job_id, until = excluded.until;

-- name: draw
-- Fresh numbers, in order.
SELECT nextval('{schema}.number') FROM generate_series(1, $1);

-- name: lock_series
-- Only one batch at a time adds to the users' own series.
LOCK TABLE {schema}.user_series IN SHARE ROW EXCLUSIVE MODE;

-- name: series
-- All of them.
SELECT number, name, kind, labels, help FROM {schema}.user_series ORDER BY number;

-- name: add_series
-- New ones.
INSERT INTO {schema}.user_series (number, name, kind, labels, help)
SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[]);

-- name: describe_series
-- Another help for all of a name.
UPDATE {schema}.user_series s SET help = new.help FROM unnest($1::text[], $2::text[]) AS new(name, help)
WHERE s.name = new.name;

-- name: add_jobs
-- One change of each job before the next one.
SELECT {schema}.add_jobs($1, $2, $3);

-- name: save_jobs
-- The same of jobs that go on.
SELECT {schema}.save_jobs($1);

-- name: end_jobs
-- The same of jobs that end.
SELECT {schema}.end_jobs($1, $2);

-- name: revive_jobs
-- The same of dead letters that are replayed.
SELECT {schema}.revive_jobs($1);

-- name: amend_ended
-- The same of dead letters that are discarded.
SELECT {schema}.amend_ended($1);

-- name: tell
-- What history keeps.
SELECT {schema}.tell($1);

-- name: finish
-- What is left of a batch that has looked.
SELECT * FROM {schema}.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: writer_state
-- What is left of a batch of unknown outcome.
SELECT batch_no, dead FROM {schema}.writer WHERE writer_id = $1;

-- name: claimed_by
-- The running jobs of a writer, with their payloads: the claims of a lost answer.
SELECT * FROM {schema}.job WHERE lane = 'processing' AND writer_id = $1 ORDER BY fence;

-- name: job_by_id
-- A job, wherever it is.
SELECT {row} FROM {schema}.job WHERE id = $1 UNION ALL SELECT {row} FROM {schema}.ended WHERE id = $1;

-- name: key_holder
-- Whose a dedupe key is.
SELECT job_id FROM {schema}.dedupe WHERE type_id = $1 AND key = $2;

-- name: enlist
-- A new writer.
INSERT INTO {schema}.writer (kind, host, pid, slots, types, lease, started_at, seen_at)
VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, {schema}.clock()), coalesce($7, {schema}.clock()))
RETURNING writer_id, {schema}.clock();

-- name: lease
-- A worker's lease begins.
INSERT INTO {schema}.lease (writer_id, backend_pid, backend_start)
SELECT $1, $2::integer, (SELECT backend_start FROM pg_stat_activity WHERE pid = $2::integer);

-- name: renew
-- It lives, and this is the connection that says so; false: it is fenced.
WITH renewed AS (
    UPDATE {schema}.lease l SET beat = l.beat + 1, backend_pid = $2::integer,
        backend_start = CASE WHEN $2::integer IS NULL THEN NULL WHEN l.backend_pid = $2::integer THEN l.backend_start
            ELSE (SELECT a.backend_start FROM pg_stat_activity a WHERE a.pid = $2::integer) END
    WHERE l.writer_id = $1
)
SELECT NOT dead FROM {schema}.writer WHERE writer_id = $1;

-- name: give_up
-- Its process has said that it will write no more.
INSERT INTO {schema}.lease (writer_id, given_up) VALUES ($1, true)
ON CONFLICT (writer_id) DO UPDATE SET given_up = true;

-- name: vitals
-- All writers that are not fenced, and whether the connection that renews the lease is still there.
SELECT w.writer_id, w.kind, w.host, w.pid, w.lease, coalesce(l.beat, 0), coalesce(l.given_up, false),
    l.backend_pid IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM pg_stat_activity a WHERE a.pid = l.backend_pid
            AND coalesce(a.backend_start = l.backend_start, true)
    ) AS gone,
    extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS server_age,
    w.seen_at, {schema}.clock(), l.backend_pid
FROM {schema}.writer w LEFT JOIN {schema}.lease l USING (writer_id) WHERE NOT w.dead ORDER BY w.writer_id;

-- name: end_writer
-- Fence a writer for good: waits for its batch in flight.
UPDATE {schema}.writer SET dead = true, died_at = $2 WHERE writer_id = $1 AND NOT dead
RETURNING kind, host, pid;

-- name: drop_lease
-- A fenced writer has none.
DELETE FROM {schema}.lease WHERE writer_id = $1;

-- name: lock_held
-- Mailboxes of the jobs that a dead writer ran, in order of entity.
SELECT {schema}.lock_mailboxes(array(
    SELECT DISTINCT j.entity FROM {schema}.job j WHERE j.lane = 'processing' AND j.writer_id = $1 AND j.entity IS NOT NULL
));

-- name: held_by
-- Those jobs, in the order in which all lock jobs.
SELECT {row} FROM {schema}.job WHERE lane = 'processing' AND writer_id = $1 ORDER BY key FOR UPDATE;

-- name: fold_writer
-- A writer's counts move to the base.
WITH gone AS (DELETE FROM {schema}.ledger WHERE writer_id = $1 RETURNING number, type_id, priority, cell, value)
INSERT INTO {schema}.ledger AS l SELECT 0, g.number, g.type_id, g.priority, g.cell, g.value FROM gone g
ORDER BY g.number, g.type_id, g.priority, g.cell
ON CONFLICT (writer_id, number, type_id, priority, cell) DO UPDATE SET value = l.value + excluded.value;

-- name: fold_completed
-- And when it last completed what.
WITH gone AS (DELETE FROM {schema}.last_completed WHERE writer_id = $1 RETURNING type_id, at)
INSERT INTO {schema}.last_completed AS l SELECT 0, g.type_id, g.at FROM gone g ORDER BY g.type_id
ON CONFLICT (writer_id, type_id) DO UPDATE SET at = greatest(l.at, excluded.at);

-- name: fold_deltas
-- Counts that stand beside the ledger move to the base, some at a time; two that fold never take the same.
WITH taken AS (
    DELETE FROM {schema}.ledger_delta WHERE delta_id IN (
        SELECT delta_id FROM {schema}.ledger_delta ORDER BY delta_id LIMIT 10000 FOR UPDATE SKIP LOCKED
    ) RETURNING number, type_id, priority, cell, value
), folded AS (
    INSERT INTO {schema}.ledger AS l SELECT 0, t.number, t.type_id, t.priority, t.cell, sum(t.value) FROM taken t
    GROUP BY t.number, t.type_id, t.priority, t.cell ORDER BY t.number, t.type_id, t.priority, t.cell
    ON CONFLICT (writer_id, number, type_id, priority, cell) DO UPDATE SET value = l.value + excluded.value
)
SELECT count(*) FROM taken;

-- name: declare
-- A type: its label stays, its defaults are the latest declared.
INSERT INTO {schema}.type (name, label, priority, max_attempts, max_losses, timeout) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO UPDATE SET priority = excluded.priority, max_attempts = excluded.max_attempts,
    max_losses = excluded.max_losses, timeout = excluded.timeout;

-- name: lock_types
-- Only one declaration at a time.
LOCK TABLE {schema}.type IN SHARE ROW EXCLUSIVE MODE;

-- name: by_index
-- Of a table that is filled and not analyzed yet, the planner believes that any 500 keys are half of it. A table that
-- has to be walked through all the same costs so much on paper that it would be compiled for.
SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true);

-- name: prunable
-- Ended jobs past their retention, the oldest first; dead letters are not in this index.
SELECT {row} FROM {schema}.ended WHERE ended_at <= $1 AND lane <> 'failed' ORDER BY ended_at LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: forget_jobs
-- Rows of pruned jobs.
DELETE FROM {schema}.ended WHERE key = ANY ($1);

-- name: forget_history
-- Their histories go with them.
DELETE FROM {schema}.history WHERE job_key = ANY ($1);

-- name: drop_keys
-- And their keys, unless a job still holds them.
DELETE FROM {schema}.dedupe d USING unnest($1::integer[], $2::text[], $3::text[]) AS k(type_id, key, job_id)
WHERE d.type_id = k.type_id AND d.key = k.key AND d.job_id = k.job_id;

-- name: drop_expired_keys
-- Keys whose time ran out after their job was pruned.
DELETE FROM {schema}.dedupe d WHERE d.until > 0 AND d.until <= $1
    AND NOT EXISTS (SELECT 1 FROM {schema}.job j WHERE j.id = d.job_id)
    AND NOT EXISTS (SELECT 1 FROM {schema}.ended e WHERE e.id = d.job_id);

-- name: forget_writers
-- Dead writers keep their batch_no for a day.
DELETE FROM {schema}.writer WHERE dead AND died_at <= $1;

-- name: book_beside
-- Counts of a transaction that owns no ledger rows.
SELECT {schema}.book_counts(0, $1, $2);

-- name: sampled
-- What is sampled: entities whose mailbox is held, and parked jobs in the deepest mailbox.
SELECT (SELECT count(*) FROM {schema}.job WHERE holds),
    (SELECT coalesce(max(depth), 0) FROM (
        SELECT count(*) AS depth FROM {schema}.job WHERE lane = 'parked' GROUP BY entity
    ) q);

-- name: take_turn
-- The push of an interval goes to the first live writer that asks in it, and again to the same one, should the answer be
-- lost. A turn that is far ahead is of a clock that was set back since; a little ahead is one whose clock is.
INSERT INTO {schema}.push AS push (one, at, writer_id)
SELECT 1, $1, writer_id FROM {schema}.writer WHERE writer_id = $2 AND NOT dead
ON CONFLICT (one) DO UPDATE SET at = excluded.at, writer_id = excluded.writer_id
WHERE push.at < excluded.at OR push.at > $3 OR (push.at = excluded.at AND push.writer_id = excluded.writer_id)
RETURNING one;

-- name: set_sample
-- One sampled gauge.
INSERT INTO {schema}.sample (name, value, at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at;

-- name: lock_totals
-- Whichever worker is first takes a sample of the totals.
SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0));

-- name: book
-- What holds for the whole store.
SELECT version, boundaries FROM {schema}.book;

-- name: clock
-- The server's time.
SELECT {schema}.clock();
