-- That a job was submitted is in its own row, and when. A row of the history that says the same is left out: it made a
-- sixth of what the server does for a batch of new jobs.

-- New jobs. Fewer keys than ids: some are here already.
CREATE OR REPLACE FUNCTION {schema}.add_jobs(p_new {schema}.arrivals, p_writer bigint, p_now bigint) RETURNS bigint[]
LANGUAGE plpgsql AS $f$
DECLARE
    v_ids text[];
    v_keys bigint[];
BEGIN
    WITH numbered AS (
        SELECT coalesce(q.drawn, nextval('{schema}.number')) AS number, q.* FROM unnest(
            p_new.id, p_new.type_id, p_new.entity, p_new.priority, p_new.lane, p_new.due_at, p_new.max_attempts,
            p_new.max_losses, p_new.timeout, p_new.dedupe, p_new.dedupe_until, p_new.batch, p_new.trace, p_new.payload,
            p_new.number
        ) AS q(
            id, type_id, entity, priority, lane, due_at, max_attempts, max_losses, timeout, dedupe, dedupe_until, batch,
            trace, payload, drawn
        )
    ), added AS (
        INSERT INTO {schema}.job SELECT n.number, n.id, n.number, n.type_id, n.entity, n.priority, n.lane, false, p_now,
            n.due_at, CASE WHEN n.lane = 'ready' THEN n.due_at END, n.due_at, 0, 0, 0, n.max_attempts, n.max_losses,
            n.timeout, n.dedupe, n.dedupe_until, n.batch, n.trace, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1,
            n.payload
        FROM numbered n ON CONFLICT (id) DO NOTHING
        RETURNING key, id
    )
    SELECT array_agg(a.key ORDER BY a.key), array_agg(a.id) INTO v_keys, v_ids FROM added a;
    -- Later than the insert, which may have waited for a job that was ending.
    IF EXISTS (SELECT 1 FROM {schema}.ended e WHERE e.id = ANY (v_ids)) THEN
        RAISE EXCEPTION 'a job is here already, and has ended' USING ERRCODE = 'JL002';
    END IF;
    RETURN coalesce(v_keys, '{}');
END $f$;

-- A batch of new jobs from who runs none; what is NULL in each row has the value of the form. A job that is
-- here already is an error: it is rare, and to look first, for each row, costs more than all other work on it.
CREATE OR REPLACE FUNCTION {schema}.accept(
    p_me bigint, p_batch bigint, p_now bigint, p_slack bigint, p_ladder bigint[], p_form {schema}.form,
    p_new {schema}.arrivals, p_deltas bigint[], p_entities text[]
) RETURNS bigint[] LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET jit = off SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_material = off SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
    v_clock bigint;
    v_keys bigint[];
    v_done record;
BEGIN
    v_clock := fence(p_me, p_batch);
    IF p_slack IS NOT NULL AND abs(v_clock - p_now) > p_slack THEN
        RAISE EXCEPTION 'the clock is % microseconds ahead', v_clock - p_now USING ERRCODE = 'JL003';
    END IF;
    v_keys := array(SELECT nextval('number') FROM generate_series(1, cardinality(p_new.id)));
    INSERT INTO job SELECT j.number, j.id, j.number, j.type_id, j.entity, j.priority, j.lane, false, p_now, j.due_at,
        CASE WHEN j.lane = 'ready' THEN j.due_at END, j.due_at, 0, 0, 0, j.max_attempts, j.max_losses, j.timeout, NULL,
        0, j.batch, j.trace, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, j.payload
    FROM (
        SELECT n.number, n.id, n.payload, coalesce(n.type_id, p_form.type_id) AS type_id,
            coalesce(n.entity, p_form.entity) AS entity, coalesce(n.priority, p_form.priority) AS priority,
            coalesce(n.lane, p_form.lane) AS lane, coalesce(n.due_at, p_form.due_at) AS due_at,
            coalesce(n.max_attempts, p_form.max_attempts) AS max_attempts,
            coalesce(n.max_losses, p_form.max_losses) AS max_losses, coalesce(n.timeout, p_form.timeout) AS timeout,
            coalesce(n.batch, p_form.batch) AS batch, coalesce(n.trace, p_form.trace) AS trace
        FROM unnest(
            v_keys, p_new.id, p_new.payload, p_new.type_id, p_new.entity, p_new.priority, p_new.lane, p_new.due_at,
            p_new.max_attempts, p_new.max_losses, p_new.timeout, p_new.batch, p_new.trace
        ) AS n(
            number, id, payload, type_id, entity, priority, lane, due_at, max_attempts, max_losses, timeout, batch,
            trace
        )
    ) j;
    -- Later than the insert, which may have waited for a job that was ending.
    IF EXISTS (SELECT 1 FROM ended e WHERE e.id = ANY (p_new.id)) THEN
        RAISE EXCEPTION 'a job is here already, and has ended' USING ERRCODE = 'JL002';
    END IF;
    IF cardinality(p_entities) > 0 THEN
        v_done := arrive(p_entities, p_now, p_ladder);
        PERFORM drop_mailboxes(v_done.o_locked);
        PERFORM book_counts(p_me, p_deltas || v_done.o_deltas, NULL);
    ELSE
        PERFORM book_counts(p_me, p_deltas, NULL);
    END IF;
    RETURN v_clock || v_keys;
END $f$;
