-- That a job runs is in its own row, and since when. A row of the history that says the same is written only when the run
-- ends and another one may follow, by whoever decides that. Code that does not know it would take all running jobs for
-- damaged, so it must not go on here.

-- Picked jobs that are ready start; the others have found their mailbox held. The time of a batch is reckoned before it
-- is sent: what made a job ready may have been reckoned later, and be here first.
CREATE OR REPLACE FUNCTION {schema}.start_jobs(
    p_writer bigint, p_keys bigint[], p_now bigint, p_ladder bigint[], OUT o_deltas bigint[], OUT o_started bigint[]
) LANGUAGE plpgsql AS $f$
BEGIN
    WITH numbered AS MATERIALIZED (
        SELECT q.key, nextval('{schema}.number') AS number FROM unnest(p_keys) AS q(key)
    ), started AS (
        UPDATE {schema}.job j SET
            lane = 'processing', run = j.run + 1, writer_id = p_writer, fence = k.number,
            started_at = greatest(p_now, j.eligible_at), progress = NULL, version = j.version + 1
        FROM numbered k WHERE j.key = k.key AND j.lane || '' = 'ready'
        RETURNING j.key, j.type_id, j.priority, greatest(p_now - j.eligible_at, 0) AS waited
    ), counted AS (
        SELECT 11 AS number, s.type_id, s.priority, {schema}.bucket(s.waited, p_ladder) AS cell, count(*) AS value
        FROM started s GROUP BY s.type_id, s.priority, {schema}.bucket(s.waited, p_ladder)
        UNION ALL SELECT 11, s.type_id, s.priority, -1, sum(s.waited) FROM started s GROUP BY s.type_id, s.priority
        UNION ALL SELECT 9, s.type_id, s.priority, 0, -count(*) FROM started s GROUP BY s.type_id, s.priority
        UNION ALL SELECT 12, s.type_id, s.priority, 0, count(*) FROM started s GROUP BY s.type_id, s.priority
    )
    SELECT coalesce((SELECT array_agg(ARRAY[c.number, c.type_id, c.priority, c.cell, c.value]::bigint[])
                     FROM counted c), '{}'),
        (SELECT coalesce(array_agg(s.key), '{}') FROM started s)
    INTO o_deltas, o_started;
END $f$;
