-- What an audit counts, and the structural rules: each must find no row. The line below a name is the rule.

-- name: rows
-- Rows by type, lane and priority, with the starts they have seen.
SELECT type_id, lane, priority, count(*), sum(run) FROM job GROUP BY type_id, lane, priority;

-- name: rule_dead_writer
-- no processing row under a dead or unknown writer
SELECT id FROM job WHERE lane = 'processing'
    AND NOT EXISTS (SELECT 1 FROM writer WHERE writer.writer_id = job.writer_id AND NOT dead);

-- name: rule_parked_behind
-- no parked job without a holder of its entity ahead of it
SELECT id FROM job WHERE lane = 'parked'
    AND NOT EXISTS (SELECT 1 FROM job AS holder WHERE holder.entity = job.entity AND holder.holds = 1);

-- name: rule_one_holder
-- never more than one holder of an entity
SELECT entity FROM job WHERE holds = 1 GROUP BY entity HAVING count(*) > 1;

-- name: rule_holds_keyed
-- every keyed job that is ready or processing holds its mailbox, and no other holds but in a blocking back-off
SELECT id FROM job WHERE
    (entity IS NOT NULL AND lane IN ('ready', 'processing') AND holds = 0)
    OR (holds = 1 AND (entity IS NULL OR lane NOT IN ('ready', 'processing', 'scheduled')));

-- name: rule_no_arrived
-- no arrived row: on SQLite a keyed job goes straight to ready or parked
SELECT id FROM job WHERE lane = 'arrived';

-- name: rule_owner
-- a job has a writer if and only if it is processing
SELECT id FROM job WHERE (lane = 'processing') <> (writer_id IS NOT NULL);

-- name: rule_ended
-- a job has an end if and only if its lane has ended
SELECT id FROM job WHERE (lane IN ('complete', 'failed', 'cancelled', 'discarded')) <> (ended_at IS NOT NULL);

-- name: rule_eligible
-- every ready job is eligible since a known time, not in the future
SELECT id FROM job WHERE lane = 'ready' AND (eligible_at IS NULL OR eligible_at > (SELECT now FROM book));

-- name: rule_history
-- the last transition in the history of a job agrees with its lane
SELECT id FROM job WHERE lane IN ('complete', 'failed', 'cancelled', 'discarded') AND coalesce((
    SELECT name FROM history WHERE job_key = job.key ORDER BY version DESC LIMIT 1
), 'submitted') <> CASE lane WHEN 'complete' THEN 'completed' WHEN 'failed' THEN 'dead_lettered' ELSE lane END
UNION ALL SELECT id FROM job WHERE lane = 'processing' AND (
    SELECT CASE WHEN run = job.run THEN name NOT IN ('started', 'cancel_requested')
        ELSE run > job.run OR name NOT IN ('retried', 'released', 'lost', 'replayed') END
    FROM history WHERE job_key = job.key AND name <> 'submitted' ORDER BY version DESC LIMIT 1
);

-- name: rule_ledger_owner
-- no ledger row of a dead or unknown writer
SELECT DISTINCT 'writer ' || writer_id FROM ledger WHERE writer_id <> 0
    AND NOT EXISTS (SELECT 1 FROM writer WHERE writer.writer_id = ledger.writer_id AND NOT dead);

-- name: rule_numbers
-- no order or fence beyond the last number drawn
SELECT id FROM job WHERE seq > (SELECT number FROM book) OR fence > (SELECT number FROM book);
