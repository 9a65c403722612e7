-- Jobs that end in a batch mostly end alike: a column in which all values are the same comes with one of them.

CREATE FUNCTION {schema}.spread(p_values anyarray, p_count integer) RETURNS anyarray LANGUAGE sql IMMUTABLE
AS $f$ SELECT CASE WHEN cardinality(p_values) = 1 THEN array_fill(p_values[1], ARRAY[p_count]) ELSE p_values END $f$;

-- What was decided on jobs that end: they leave the hot table. As above.
CREATE OR REPLACE FUNCTION {schema}.end_jobs(p {schema}.endings, p_now bigint) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    v_jobs integer := cardinality(p.key);
    v_done integer;
BEGIN
    WITH gone AS (
        DELETE FROM {schema}.job j USING unnest(
            p.key, {schema}.spread(p.before, v_jobs), {schema}.spread(p.lane, v_jobs),
            {schema}.spread(p.failures, v_jobs), {schema}.spread(p.losses, v_jobs), {schema}.spread(p.reason, v_jobs),
            {schema}.spread(p.error, v_jobs), {schema}.spread(p.result, v_jobs), {schema}.spread(p.version, v_jobs)
        ) AS x(key, before, lane, failures, losses, reason, error, result, version)
        WHERE j.key = x.key AND j.version = x.before
        RETURNING j.*, x.lane AS x_lane, x.failures AS x_failures, x.losses AS x_losses, x.reason AS x_reason,
            x.error AS x_error, x.result AS x_result, x.version AS x_version
    )
    INSERT INTO {schema}.ended SELECT
        g.key, g.id, g.seq, g.type_id, g.entity, g.priority, g.x_lane, false, g.submitted_at, g.due_at,
        g.eligible_at, g.origin_at, g.run, g.x_failures, g.x_losses, g.max_attempts, g.max_losses, g.timeout,
        g.dedupe, g.dedupe_until, g.batch, g.trace, NULL, g.fence, g.started_at, g.cancel_at, p_now, g.x_reason,
        g.x_error, g.x_result, g.progress, g.x_version, g.payload
    FROM gone g;
    GET DIAGNOSTICS v_done = ROW_COUNT;
    IF v_done <> v_jobs THEN
        RAISE EXCEPTION '% of % jobs are not what was decided on', v_jobs - v_done, v_jobs
            USING ERRCODE = 'JL002';
    END IF;
END $f$;

-- Transitions, as history keeps them.
CREATE OR REPLACE FUNCTION {schema}.tell(p {schema}.events) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    v_jobs integer := cardinality(p.job_key);
BEGIN
    INSERT INTO {schema}.history SELECT * FROM unnest(
        p.job_key, {schema}.spread(p.version, v_jobs), {schema}.spread(p.name, v_jobs), {schema}.spread(p.at, v_jobs),
        {schema}.spread(p.run, v_jobs), {schema}.spread(p.writer_id, v_jobs), {schema}.spread(p.reason, v_jobs),
        {schema}.spread(p.error, v_jobs), {schema}.spread(p.micros, v_jobs)
    );
END $f$;
