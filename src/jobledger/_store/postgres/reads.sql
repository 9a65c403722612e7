-- Reading jobs and books. The order that a probe asks for is one that only its index has, so that no plan, however old
-- or wrong the statistics, walks through the jobs.

-- name: pin_books
-- For the rest of a transaction: plans for the values at hand, and nothing compiled for a read of milliseconds.
SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_custom_plan;

-- name: pin_probes
-- And what is probed has an index, whatever the statistics say.
SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;

-- name: pin_walks
-- An audit walks through everything: the planner is free again.
SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = on;

-- name: types
-- All types.
SELECT type_id, name, label, priority, max_attempts, max_losses, timeout FROM {schema}.type ORDER BY type_id;

-- name: record
-- A job with its payload, its type and its history in order (an array of arrays, as JSON), wherever it is.
SELECT found.*, type.type_id, type.name, type.label, type.priority, type.max_attempts, type.max_losses, type.timeout, (
    SELECT json_agg(json_build_array(name, at, run, writer_id, reason, error, micros) ORDER BY version)::text
    FROM {schema}.history AS history WHERE history.job_key = found.key
) AS history
FROM (
    SELECT * FROM {schema}.job WHERE id = $1 UNION ALL SELECT * FROM {schema}.ended WHERE id = $1
) AS found JOIN {schema}.type AS type ON type.type_id = found.type_id;

-- name: ledger
-- The books: every writer, the base and what waits to be folded, summed in one statement. As text, since the sums of the
-- users' own series know no bounds, and as fast.
SELECT number, type_id, priority, cell, sum(value)::text FROM (
    SELECT number, type_id, priority, cell, value FROM {schema}.ledger
    UNION ALL SELECT number, type_id, priority, cell, value FROM {schema}.ledger_delta
) AS counted GROUP BY number, type_id, priority, cell;

-- name: user_series
-- The users' own series.
SELECT number, name, kind, labels, help FROM {schema}.user_series ORDER BY number;

-- name: samples
-- All sampled gauges.
SELECT name, value, at FROM {schema}.sample ORDER BY name;

-- name: book
-- The ladder of this database, how many deltas wait to be folded, which store it is and since when it counts.
SELECT boundaries, (SELECT count(*) FROM {schema}.ledger_delta), id, began_at FROM {schema}.book;

-- name: workers
-- Workers that are not fenced and have not ended, as far as the connections that renew their leases tell: their slots,
-- those in use, and the types that they handle. Where no worker lives, nobody fences one that was killed.
SELECT writer_id, slots, types,
    (SELECT count(*) FROM {schema}.job AS job WHERE job.lane = 'processing' AND job.writer_id = writer.writer_id)
FROM {schema}.writer AS writer LEFT JOIN {schema}.lease AS lease USING (writer_id)
WHERE NOT dead AND kind = 'worker' AND NOT coalesce(given_up, false) AND (
    backend_pid IS NULL OR EXISTS (
        SELECT 1 FROM pg_stat_activity AS a WHERE a.pid = backend_pid
            AND coalesce(a.backend_start = lease.backend_start, true)
    )
);

-- name: probes
-- Per type, what an index tells. The running jobs are few, so they are looked at once for all types. An arrived job is
-- ready, too, if it is the first of its entity: nobody looks at it while all slots are in use. Of the oldest hundred.
SELECT type.type_id, least((
        SELECT job.eligible_at FROM {schema}.job AS job WHERE job.lane = 'ready' AND job.type_id = type.type_id
        ORDER BY job.eligible_at LIMIT 1
    ), (
        SELECT first.due_at FROM (
            SELECT job.entity, job.seq, job.due_at FROM {schema}.job AS job
            WHERE job.lane = 'arrived' AND job.type_id = type.type_id ORDER BY job.due_at LIMIT 100
        ) AS first
        WHERE (SELECT held.key FROM {schema}.job AS held WHERE held.entity = first.entity AND held.holds) IS NULL
            AND first.seq = (
                SELECT box.seq FROM {schema}.job AS box
                WHERE box.entity = first.entity AND box.lane IN ('arrived', 'parked') ORDER BY box.seq LIMIT 1
            )
        ORDER BY first.due_at LIMIT 1
    )), (
        SELECT job.due_at FROM {schema}.job AS job WHERE job.lane = 'parked' AND job.type_id = type.type_id
        ORDER BY job.due_at LIMIT 1
    ), running.oldest, completed.last, coalesce(running.overdue, 0)
FROM {schema}.type AS type
LEFT JOIN (
    SELECT type_id, min(started_at) AS oldest, count(*) FILTER (WHERE started_at + timeout < $1) AS overdue
    FROM {schema}.job WHERE lane = 'processing' GROUP BY type_id
) AS running ON running.type_id = type.type_id
LEFT JOIN (
    SELECT type_id, max(at) AS last FROM {schema}.last_completed GROUP BY type_id
) AS completed ON completed.type_id = type.type_id
ORDER BY type.type_id;

-- name: prospect
-- The next due time, this writer's jobs that are asked to stop, and whether one of some types is ready or arrived (with
-- $3 also one that was lost before).
SELECT (SELECT due_at FROM {schema}.job WHERE lane = 'scheduled' ORDER BY due_at LIMIT 1),
    (SELECT count(*) FROM {schema}.job WHERE lane = 'processing' AND cancel_at IS NOT NULL AND writer_id = $1),
    EXISTS (
        SELECT 1 FROM unnest($2::integer[]) AS asked(type_id) CROSS JOIN LATERAL (
            SELECT job.seq FROM {schema}.job AS job
            WHERE job.type_id = asked.type_id AND job.lane IN ('ready', 'arrived') AND job.losses = 0
            ORDER BY job.priority, job.seq LIMIT 1
        ) AS waiting
    ),
    $3::boolean AND EXISTS (
        SELECT 1 FROM unnest($2::integer[]) AS asked(type_id) CROSS JOIN LATERAL (
            SELECT job.seq FROM {schema}.job AS job
            WHERE job.type_id = asked.type_id AND job.lane IN ('ready', 'arrived') AND job.losses > 0
            ORDER BY job.priority, job.seq LIMIT 1
        ) AS waiting
    );
