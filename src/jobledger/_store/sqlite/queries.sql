-- Every statement of the SQLite store: its name, a line on what it is for, the text.

-- name: begin
-- A write transaction takes its lock at once, so that it never fails half-way.
BEGIN IMMEDIATE;

-- name: begin_read
-- A read that needs one snapshot.
BEGIN;

-- name: commit
-- Durable from here.
COMMIT;

-- name: rollback
-- Nothing happened.
ROLLBACK;

-- name: fence
-- The first statement of every batch: no row means that this writer may not write.
UPDATE writer SET batch_no = ? WHERE writer_id = ? AND NOT dead AND batch_no = ? - 1;

-- name: writer_state
-- What is left of a batch of unknown outcome.
SELECT batch_no, dead FROM writer WHERE writer_id = ?;

-- name: book
-- The store's clock and its last number, at the start of a batch.
SELECT number, now FROM book;

-- name: turn_page
-- The store's clock and its last number, at the end of a batch.
UPDATE book SET number = ?, now = ?;

-- name: identity
-- Which store this is, and since when it counts.
SELECT id, began_at FROM book;

-- name: take_turn
-- The push of an interval goes to the first live writer that asks in it, and again to the same one, should the answer be
-- lost. The store's clock never goes back.
INSERT INTO push (one, at, writer_id) SELECT 1, ?, writer_id FROM writer WHERE writer_id = ? AND NOT dead
ON CONFLICT (one) DO UPDATE SET at = excluded.at, writer_id = excluded.writer_id
WHERE push.at < excluded.at OR (push.at = excluded.at AND push.writer_id = excluded.writer_id);

-- name: boundaries
-- The ladder of this database.
SELECT boundaries FROM book;

-- name: open_book
-- The one row of a new database.
INSERT INTO book (one, number, now, boundaries) VALUES (1, 0, 0, ?);

-- name: mark
-- Before many rows are inserted that may have to be taken back.
SAVEPOINT many;

-- name: back_to_mark
-- They are taken back.
ROLLBACK TO many;

-- name: insert_job
-- Accept a job; a resent one changes nothing.
INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;

-- name: save_job
-- Write what a decision changed; the version guards against a row that is not the one decided on.
UPDATE job SET seq = ?, lane = ?, holds = ?, due_at = ?, eligible_at = ?, origin_at = ?, run = ?, failures = ?,
    losses = ?, writer_id = ?, fence = ?, started_at = ?, cancel_at = ?, ended_at = ?, reason = ?, error = ?,
    result = ?, progress = ?, version = ?
WHERE key = ? AND version = ?;

-- name: save_started
-- What a Start changes, and no more: the hottest write.
UPDATE job SET lane = ?, run = ?, writer_id = ?, fence = ?, started_at = ?, progress = NULL, version = ?
WHERE key = ? AND version = ?;

-- name: save_ended
-- What the end of a job changes, and no more.
UPDATE job SET lane = ?, holds = 0, failures = ?, losses = ?, writer_id = NULL, ended_at = ?, reason = ?, error = ?,
    result = ?, version = ?
WHERE key = ? AND version = ?;

-- name: save_progress
-- A report moves no lane.
UPDATE job SET progress = ?, version = ? WHERE key = ? AND version = ?;

-- name: job_by_key
-- A running job, by its row number.
SELECT * FROM job_row WHERE key = ?;

-- name: job_by_id
-- A job, by its address.
SELECT * FROM job_row WHERE id = ?;

-- name: record
-- A job with its payload.
SELECT * FROM job WHERE id = ?;

-- name: add_history
-- One transition.
INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: history
-- All transitions of a job, in order.
SELECT name, at, run, writer_id, reason, error, micros FROM history WHERE job_key = ? ORDER BY version;

-- name: occupied
-- Whether a job holds this entity's mailbox.
SELECT 1 FROM job WHERE entity = ? AND holds = 1;

-- name: head
-- The next job of a mailbox that lost its holder: by order alone.
SELECT * FROM job_row WHERE entity = ? AND lane = 'parked' ORDER BY seq LIMIT 1;

-- name: due
-- Scheduled jobs whose time has come, the most overdue first.
SELECT * FROM job_row WHERE lane = 'scheduled' AND due_at <= ? ORDER BY due_at LIMIT ?;

-- name: next_due
-- When the next scheduled job becomes due.
SELECT min(due_at) FROM job WHERE lane = 'scheduled';

-- name: claim
-- The next ready jobs of one type and priority behind an order; jobs with a loss are not among them.
SELECT * FROM job WHERE lane = 'ready' AND losses = 0 AND type_id = ? AND priority = ? AND seq > ? ORDER BY seq LIMIT ?;

-- name: any_suspect
-- Whether a ready job was lost before, of whatever type: mostly not, and then no type is asked.
SELECT 1 FROM job INDEXED BY job_suspect WHERE lane = 'ready' AND losses > 0 LIMIT 1;

-- name: is_ready
-- Whether a job of one of these types (a JSON array of numbers) is ready.
SELECT 1 FROM json_each(?) AS type CROSS JOIN job INDEXED BY job_claim
WHERE job.type_id = type.value AND lane = 'ready' AND losses = 0 LIMIT 1;

-- name: is_suspect_ready
-- The same of jobs that were lost before.
SELECT 1 FROM json_each(?) AS type CROSS JOIN job INDEXED BY job_suspect
WHERE job.type_id = type.value AND lane = 'ready' AND losses > 0 LIMIT 1;

-- name: claim_suspect
-- The next ready job of one type and priority that was lost before.
SELECT * FROM job WHERE lane = 'ready' AND losses > 0 AND type_id = ? AND priority = ? ORDER BY seq LIMIT 1;

-- name: claimed_by
-- The running jobs of a writer, with their payloads: the claims of a lost answer.
SELECT * FROM job WHERE lane = 'processing' AND writer_id = ? ORDER BY fence;

-- name: held_by
-- The running jobs of a dead writer, in the order in which they were started.
SELECT * FROM job_row WHERE lane = 'processing' AND writer_id = ? ORDER BY fence;

-- name: stops
-- The running jobs of this writer that are asked to stop.
SELECT key FROM job WHERE lane = 'processing' AND cancel_at IS NOT NULL AND writer_id = ?;

-- name: key_holder
-- Who has this dedupe key, and in which lane that job is (none: it was pruned).
SELECT dedupe.job_id, dedupe.until, job.lane FROM dedupe LEFT JOIN job ON job.id = dedupe.job_id
WHERE dedupe.type_id = ? AND dedupe.key = ?;

-- name: hold_key
-- A job takes its dedupe key.
INSERT INTO dedupe (type_id, key, job_id, until) VALUES (?, ?, ?, ?)
ON CONFLICT (type_id, key) DO UPDATE SET job_id = excluded.job_id, until = excluded.until;

-- name: drop_key
-- A pruned job's key goes with it, unless the job still holds it.
DELETE FROM dedupe WHERE type_id = ? AND key = ? AND job_id = ?;

-- name: drop_expired_keys
-- Keys whose time ran out after their job was pruned.
DELETE FROM dedupe WHERE until > 0 AND until <= ? AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = dedupe.job_id);

-- name: add_to_ledger
-- The merged deltas of one transaction.
INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (writer_id, number, type_id, priority, cell) DO UPDATE SET value = value + excluded.value;

-- name: ledger_value
-- One cell of one writer.
SELECT value FROM ledger WHERE writer_id = ? AND number = ? AND type_id = ? AND priority = ? AND cell = ?;

-- name: note_completed
-- When a type last completed a job.
INSERT INTO last_completed (type_id, at) VALUES (?, ?)
ON CONFLICT (type_id) DO UPDATE SET at = max(at, excluded.at);

-- name: user_cells
-- A writer's cells of the users' own series, whose sums need a carry.
SELECT number, type_id, priority, cell, value FROM ledger WHERE writer_id = ? AND number >= ?;

-- name: fold
-- A writer's other rows, added to the base.
INSERT INTO ledger SELECT 0, number, type_id, priority, cell, value FROM ledger WHERE writer_id = ? AND number < ?
ON CONFLICT (writer_id, number, type_id, priority, cell) DO UPDATE SET value = value + excluded.value;

-- name: drop_folded
-- And gone from the writer.
DELETE FROM ledger WHERE writer_id = ?;

-- name: enlist
-- A new writer.
INSERT INTO writer (batch_no, dead, kind, host, pid, slots, started_at, lease, wake) VALUES (0, 0, ?, ?, ?, ?, ?, ?, ?);

-- name: handle_type
-- A worker says which types it has handlers for.
INSERT INTO writer_type (writer_id, type_id) VALUES (?, ?);

-- name: end_writer
-- Fence a writer for good.
UPDATE writer SET dead = 1, died_at = ? WHERE writer_id = ? AND NOT dead;

-- name: drop_handled
-- A dead writer handles nothing.
DELETE FROM writer_type WHERE writer_id = ?;

-- name: forget_writers
-- Dead writers keep their batch_no for a day.
DELETE FROM writer WHERE dead AND died_at <= ?;

-- name: live_writers
-- All writers that are not fenced.
SELECT writer_id, kind, host, pid, lease FROM writer INDEXED BY writer_live WHERE NOT dead;

-- name: live_writer
-- One of them.
SELECT writer_id, kind, host, pid, wake FROM writer WHERE writer_id = ? AND NOT dead;

-- name: is_live
-- Whether a writer may still write.
SELECT 1 FROM writer WHERE writer_id = ? AND NOT dead;

-- name: listeners
-- Where workers listen.
SELECT wake FROM writer INDEXED BY writer_live WHERE NOT dead AND wake IS NOT NULL;

-- name: declare
-- A type: its label stays, its defaults are the latest declared.
INSERT INTO type (name, label, priority, max_attempts, max_losses, timeout) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET priority = excluded.priority, max_attempts = excluded.max_attempts,
    max_losses = excluded.max_losses, timeout = excluded.timeout;

-- name: types
-- All types.
SELECT type_id, name, label, priority, max_attempts, max_losses, timeout FROM type ORDER BY type_id;

-- name: prunable
-- Ended jobs past their retention, the oldest first; dead letters are not in this index.
SELECT * FROM job_row WHERE ended_at <= ? AND lane <> 'failed' ORDER BY ended_at LIMIT ?;

-- name: forget_history
-- The history goes with its job.
DELETE FROM history WHERE job_key = ?;

-- name: forget_job
-- The row of a pruned job.
DELETE FROM job WHERE key = ?;

-- name: set_sample
-- One sampled gauge.
INSERT INTO sample (name, value, at) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at;

-- name: samples
-- All sampled gauges.
SELECT name, value, at FROM sample;

-- name: entities_active
-- Entities whose mailbox is held.
SELECT count(*) FROM job WHERE holds = 1;

-- name: mailbox_deepest
-- Parked jobs in the deepest mailbox.
SELECT coalesce(max(depth), 0) FROM (SELECT count(*) AS depth FROM job WHERE lane = 'parked' GROUP BY entity);

-- name: ledger
-- The books: every writer and the base, summed.
SELECT number, type_id, priority, cell, sum(value) FROM ledger GROUP BY number, type_id, priority, cell;

-- name: probes
-- Per type, what an index tells.
SELECT type_id,
    (SELECT min(eligible_at) FROM job WHERE lane = 'ready' AND job.type_id = type.type_id),
    (SELECT min(due_at) FROM job WHERE lane = 'parked' AND job.type_id = type.type_id),
    (SELECT min(started_at) FROM job WHERE lane = 'processing' AND job.type_id = type.type_id),
    (SELECT at FROM last_completed WHERE last_completed.type_id = type.type_id),
    (SELECT count(*) FROM job WHERE lane = 'processing' AND job.type_id = type.type_id AND started_at + timeout < ?)
FROM type;

-- name: workers
-- Workers that are not fenced, and their slots.
SELECT writer_id, slots FROM writer INDEXED BY writer_live WHERE NOT dead AND kind = 'worker';

-- name: used
-- Slots in use, by writer.
SELECT writer_id, count(*) FROM job WHERE lane = 'processing' GROUP BY writer_id;

-- name: handled
-- Which types a worker handles.
SELECT writer_id, type_id FROM writer_type;

-- name: user_series
-- The users' own series.
SELECT number, name, kind, labels, help FROM user_series;

-- name: find_user_series
-- One of them.
SELECT number, kind, help FROM user_series WHERE name = ? AND labels = ?;

-- name: user_series_budget
-- How many there are under this name, its kind and its help, and the next number of all.
SELECT (SELECT count(*) FROM user_series WHERE name = ?1), (SELECT kind FROM user_series WHERE name = ?1 LIMIT 1),
    (SELECT help FROM user_series WHERE name = ?1 LIMIT 1), (SELECT coalesce(max(number), ?2) + 1 FROM user_series);

-- name: add_user_series
-- A new one.
INSERT INTO user_series (number, name, kind, labels, help) VALUES (?, ?, ?, ?, ?);

-- name: describe_user_series
-- Another help for all of a name.
UPDATE user_series SET help = ? WHERE name = ?;

-- name: store_now
-- The store's clock as last used.
SELECT now FROM book;
