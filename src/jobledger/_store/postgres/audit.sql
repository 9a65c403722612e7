-- What an audit counts, and the structural rules: each must find no row. The line below a name is the rule.

-- name: rows
-- Rows by type, lane and priority, with the starts they have seen.
SELECT type_id, lane, priority, sum(jobs)::bigint, sum(starts)::bigint FROM (
    SELECT type_id, lane, priority, count(*) AS jobs, sum(run) AS starts FROM {schema}.job
    GROUP BY type_id, lane, priority
    UNION ALL
    SELECT type_id, lane, priority, count(*), sum(run) FROM {schema}.ended GROUP BY type_id, lane, priority
) AS counted GROUP BY type_id, lane, priority ORDER BY type_id, lane, priority;

-- name: rule_dead_writer
-- no processing row under a dead or unknown writer
SELECT id FROM {schema}.job AS job WHERE lane = 'processing'
    AND NOT EXISTS (SELECT 1 FROM {schema}.writer AS writer WHERE writer.writer_id = job.writer_id AND NOT dead);

-- name: rule_parked_behind
-- no parked job without a holder of its entity ahead of it, or with room for one more
SELECT parked.id FROM {schema}.job AS parked WHERE parked.lane = 'parked' AND (
    SELECT count(*) FROM {schema}.job AS holder WHERE holder.entity = parked.entity AND holder.holds
) < coalesce((SELECT k FROM {schema}.mailbox AS mailbox WHERE mailbox.entity = parked.entity), 1);

-- name: rule_parked_mailbox
-- no parked job without a mailbox of its entity
SELECT id FROM {schema}.job AS job WHERE lane = 'parked'
    AND NOT EXISTS (SELECT 1 FROM {schema}.mailbox AS mailbox WHERE mailbox.entity = job.entity);

-- name: rule_mailbox_held
-- no mailbox without a holder
SELECT entity FROM {schema}.mailbox AS mailbox
WHERE NOT EXISTS (SELECT 1 FROM {schema}.job AS holder WHERE holder.entity = mailbox.entity AND holder.holds);

-- name: rule_holder_mailbox
-- no holder without a mailbox of its entity
SELECT id FROM {schema}.job AS holder WHERE holds
    AND NOT EXISTS (SELECT 1 FROM {schema}.mailbox AS mailbox WHERE mailbox.entity = holder.entity);

-- name: rule_holders
-- never more holders of an entity than its mailbox allows
SELECT entity FROM {schema}.job AS holder WHERE holds GROUP BY entity
HAVING count(*) > coalesce((SELECT k FROM {schema}.mailbox AS mailbox WHERE mailbox.entity = holder.entity), 1);

-- name: rule_holds_keyed
-- every keyed job that is ready or processing holds its mailbox, and no other holds but in a blocking back-off
SELECT id FROM {schema}.job WHERE
    (entity IS NOT NULL AND lane IN ('ready', 'processing') AND NOT holds)
    OR (holds AND (entity IS NULL OR lane NOT IN ('ready', 'processing', 'scheduled')))
UNION ALL SELECT id FROM {schema}.ended WHERE holds;

-- name: rule_in_mailbox
-- every arrived or parked job has an entity
SELECT id FROM {schema}.job WHERE lane IN ('arrived', 'parked') AND entity IS NULL;

-- name: rule_owner
-- a job has a writer if and only if it is processing
SELECT id FROM {schema}.job WHERE (lane = 'processing') <> (writer_id IS NOT NULL)
UNION ALL SELECT id FROM {schema}.ended WHERE writer_id IS NOT NULL;

-- name: rule_ended
-- a job has an end if and only if its lane has ended
SELECT id FROM {schema}.job WHERE ended_at IS NOT NULL
UNION ALL SELECT id FROM {schema}.ended WHERE ended_at IS NULL;

-- name: rule_tables
-- no ended lane among the jobs that are alive, and no lane of theirs among the ended
SELECT id FROM {schema}.job WHERE lane NOT IN ('ready', 'arrived', 'parked', 'scheduled', 'processing')
UNION ALL SELECT id FROM {schema}.ended WHERE lane NOT IN ('complete', 'failed', 'cancelled', 'discarded');

-- name: rule_once
-- no job that is both alive and ended
SELECT job.id FROM {schema}.job AS job JOIN {schema}.ended AS ended ON ended.id = job.id
UNION SELECT job.id FROM {schema}.job AS job JOIN {schema}.ended AS ended ON ended.key = job.key;

-- name: rule_eligible
-- every ready job is eligible since a known time, not in the future
SELECT id FROM {schema}.job WHERE lane = 'ready' AND (eligible_at IS NULL OR eligible_at > $1::bigint + 1000000);

-- name: rule_history
-- the last transition in the history of a job agrees with its lane
SELECT id FROM {schema}.ended AS job WHERE coalesce((
    SELECT name FROM {schema}.history AS history WHERE history.job_key = job.key ORDER BY history.version DESC LIMIT 1
), 'submitted') <> CASE lane WHEN 'complete' THEN 'completed' WHEN 'failed' THEN 'dead_lettered' ELSE lane END
UNION ALL SELECT id FROM {schema}.job AS job WHERE lane = 'processing' AND (
    SELECT CASE WHEN history.run = job.run THEN name NOT IN ('started', 'cancel_requested')
        ELSE history.run > job.run OR name NOT IN ('retried', 'released', 'lost', 'replayed') END
    FROM {schema}.history AS history WHERE history.job_key = job.key AND name <> 'submitted'
    ORDER BY history.version DESC LIMIT 1
);

-- name: rule_ledger_owner
-- no ledger row of a dead or unknown writer
SELECT DISTINCT 'writer ' || writer_id FROM (
    SELECT writer_id FROM {schema}.ledger UNION ALL SELECT writer_id FROM {schema}.last_completed
) AS owned WHERE writer_id <> 0
    AND NOT EXISTS (SELECT 1 FROM {schema}.writer AS writer WHERE writer.writer_id = owned.writer_id AND NOT dead);

-- name: rule_numbers
-- no order or fence beyond the last number drawn
SELECT id FROM (
    SELECT id, key, seq, fence FROM {schema}.job UNION ALL SELECT id, key, seq, fence FROM {schema}.ended
) AS job WHERE greatest(key, seq, fence) > (SELECT last_value FROM {schema}.number);
