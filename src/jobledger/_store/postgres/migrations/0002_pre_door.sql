-- The door's functions: one call is one batch, so that no client can freeze between two of its statements.
-- Each statement is one of its own, because each must see what was committed before it. See docs/design.md.
-- Those that the door calls set what names and plans depend on, for all that they call; the others name their schema,
-- and set nothing: a setting for each of them costs a batch 0.2 ms. Plans are made once, not for each batch.

CREATE TYPE {schema}.arrivals AS (
    id text[], type_id integer[], entity text[], priority integer[], lane text[], due_at bigint[],
    max_attempts integer[], max_losses integer[], timeout bigint[], dedupe text[], dedupe_until bigint[],
    batch text[], trace text[], payload bytea[], number bigint[]
);
CREATE TYPE {schema}.saves AS (
    seq bigint[], lane text[], holds boolean[], due_at bigint[], eligible_at bigint[], origin_at bigint[],
    run integer[], failures integer[], losses integer[], writer_id bigint[], fence bigint[], started_at bigint[],
    cancel_at bigint[], ended_at bigint[], reason text[], error text[], result bytea[], progress text[],
    version integer[], key bigint[], before integer[]
);
CREATE TYPE {schema}.endings AS (
    key bigint[], before integer[], lane text[], failures integer[], losses integer[], reason text[], error text[],
    result bytea[], version integer[]
);
CREATE TYPE {schema}.events AS (
    job_key bigint[], version integer[], name text[], at bigint[], run integer[], writer_id bigint[], reason text[],
    error text[], micros bigint[]
);
CREATE TYPE {schema}.own_counts AS (number integer[], cell integer[], value text[]);
CREATE TYPE {schema}.answer AS (
    what text, numbers bigint[], key bigint, id text, seq bigint, type_id integer, entity text, priority integer,
    lane text, holds boolean, submitted_at bigint, due_at bigint, eligible_at bigint, origin_at bigint, run integer,
    failures integer, losses integer, max_attempts integer, max_losses integer, timeout bigint, dedupe text,
    dedupe_until bigint, batch text, trace text, writer_id bigint, fence bigint, started_at bigint, cancel_at bigint,
    ended_at bigint, reason text, error text, result bytea, progress text, version integer, payload bytea
);
CREATE TYPE {schema}.claim AS (
    types integer[],                      -- of all groups, one after the other
    sizes integer[],                      -- how many of them each group has
    slots integer[],
    marks integer[],                      -- four a group: the stride
    suspects integer
);

-- The store's clock, in microseconds.
CREATE FUNCTION {schema}.clock() RETURNS bigint LANGUAGE sql VOLATILE
AS $f$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint $f$;

-- The bucket of a time span: as bisect_left finds it.
CREATE FUNCTION {schema}.bucket(p_amount bigint, p_ladder bigint[]) RETURNS integer LANGUAGE sql IMMUTABLE
AS $f$ SELECT width_bucket(greatest(p_amount, 0) - 1, p_ladder) $f$;

-- R1. The first statement of every batch: no row means that this writer may not write.
CREATE FUNCTION {schema}.fence(p_me bigint, p_batch bigint) RETURNS bigint LANGUAGE plpgsql AS $f$
DECLARE
    v_clock bigint;
BEGIN
    UPDATE {schema}.writer SET batch_no = p_batch, seen_at = {schema}.clock()
    WHERE writer_id = p_me AND NOT dead AND batch_no = p_batch - 1 RETURNING seen_at INTO v_clock;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'writer % is fenced at batch %', p_me, p_batch USING ERRCODE = 'JL001';
    END IF;
    RETURN v_clock;
END $f$;

-- R2. Mailboxes of what will be settled, cancelled or lost: blocking, in order of entity.
CREATE FUNCTION {schema}.lock_mailboxes(p_entities text[]) RETURNS text[] LANGUAGE plpgsql AS $f$
DECLARE
    v_locked text[];
BEGIN
    SELECT coalesce(array_agg(q.entity), '{}') INTO v_locked FROM (
        SELECT m.entity FROM {schema}.mailbox m WHERE m.entity = ANY (p_entities) ORDER BY m.entity FOR UPDATE
    ) q;
    RETURN v_locked;
END $f$;

-- R8. The same for the jobs that commands are about, which are rarely many.
CREATE FUNCTION {schema}.lock_mailboxes_of(p_keys bigint[], p_ids text[]) RETURNS text[] LANGUAGE plpgsql AS $f$
DECLARE
    v_entities text[];
BEGIN
    SELECT array_agg(DISTINCT q.entity) INTO v_entities FROM (
        SELECT j.entity FROM {schema}.job j WHERE j.key = ANY (p_keys) UNION ALL
        SELECT j.entity FROM {schema}.job j WHERE j.id = ANY (p_ids)
    ) q WHERE q.entity IS NOT NULL;
    RETURN {schema}.lock_mailboxes(v_entities);
END $f$;

-- Jobs whose time has come: ready, or arrived where their mailbox has to be looked at.
CREATE FUNCTION {schema}.promote(p_now bigint, OUT o_deltas bigint[], OUT o_keys bigint[], OUT o_entities text[])
LANGUAGE plpgsql AS $f$
DECLARE
    v_keys bigint[];
BEGIN
    o_deltas := '{}';
    o_keys := '{}';
    o_entities := '{}';
    SELECT array_agg(q.key) INTO v_keys FROM (
        SELECT j.key FROM {schema}.job j WHERE j.lane = 'scheduled' AND j.due_at <= p_now
        ORDER BY j.due_at LIMIT 500 FOR UPDATE SKIP LOCKED
    ) q;
    IF v_keys IS NULL THEN
        RETURN;
    END IF;
    o_keys := v_keys;
    WITH due AS (
        UPDATE {schema}.job j SET lane = CASE WHEN j.entity IS NULL OR j.holds THEN 'ready' ELSE 'arrived' END,
            eligible_at = CASE WHEN j.entity IS NULL OR j.holds THEN j.due_at END, version = j.version + 1
        WHERE j.key = ANY (v_keys)
        RETURNING j.type_id, j.priority, CASE WHEN j.lane = 'arrived' THEN j.entity END AS entity
    ), grouped AS (
        SELECT d.type_id, d.priority, count(*) AS jobs FROM due d GROUP BY d.type_id, d.priority
    )
    SELECT (SELECT array_agg(ARRAY[m.number, g.type_id, g.priority, 0, m.sign * g.jobs]::bigint[])
            FROM grouped g, (VALUES (13, -1), (9, 1)) AS m(number, sign)),
        (SELECT coalesce(array_agg(DISTINCT d.entity), '{}') FROM due d WHERE d.entity IS NOT NULL)
    INTO o_deltas, o_entities;
END $f$;

-- Heads of mailboxes: they hold it from here. Rows that were taken meanwhile are left out.
CREATE FUNCTION {schema}.activate(
    p_keys bigint[], p_now bigint, p_free boolean, p_ladder bigint[], OUT o_deltas bigint[], OUT o_keys bigint[]
) LANGUAGE plpgsql AS $f$
BEGIN
    WITH before AS MATERIALIZED (
        SELECT j.key, j.lane, j.type_id, greatest(j.due_at, CASE WHEN p_free THEN 0 ELSE p_now END) AS since
        FROM {schema}.job j WHERE j.key = ANY (p_keys)
    ), heads AS (
        UPDATE {schema}.job j SET lane = 'ready', holds = true, eligible_at = b.since, version = j.version + 1
        FROM before b WHERE j.key = b.key AND j.lane IN ('arrived', 'parked')
        RETURNING j.key, b.lane AS lane, b.type_id AS type_id, j.eligible_at - j.due_at AS waited
    ), counted AS (
        SELECT 14 AS number, h.type_id, 0 AS cell, -1::bigint AS value FROM heads h WHERE h.lane = 'parked'
        UNION ALL SELECT 22, h.type_id, {schema}.bucket(h.waited, p_ladder), 1 FROM heads h
        UNION ALL SELECT 22, h.type_id, -1, greatest(h.waited, 0) FROM heads h
    ), grouped AS (
        SELECT c.number, c.type_id, c.cell, sum(c.value) AS value FROM counted c GROUP BY c.number, c.type_id, c.cell
    )
    SELECT coalesce((SELECT array_agg(ARRAY[g.number, g.type_id, -1, g.cell, g.value]::bigint[]) FROM grouped g), '{}'),
        (SELECT coalesce(array_agg(h.key), '{}') FROM heads h)
    INTO o_deltas, o_keys;
END $f$;

-- R5, R7. Mailboxes that lost their holder go to their next job by order, arrived or parked, of whatever type.
CREATE FUNCTION {schema}.hand_over(
    p_entities text[], p_now bigint, p_ladder bigint[], OUT o_deltas bigint[], OUT o_keys bigint[]
) LANGUAGE plpgsql AS $f$
DECLARE
    v_heads bigint[];
    v_done record;
BEGIN
    o_deltas := '{}';
    o_keys := '{}';
    LOOP
        SELECT array_agg(h.key) INTO v_heads FROM unnest(p_entities) AS e(entity), LATERAL (
            SELECT j.key FROM {schema}.job j WHERE j.entity = e.entity AND j.lane IN ('arrived', 'parked')
            ORDER BY j.seq LIMIT 1
        ) h WHERE (SELECT count(*) FROM {schema}.job o WHERE o.entity = e.entity AND o.holds) = 0;
        EXIT WHEN v_heads IS NULL;
        v_done := {schema}.activate(v_heads, p_now, false, p_ladder);
        o_deltas := o_deltas || v_done.o_deltas;
        o_keys := o_keys || v_done.o_keys;
        EXIT WHEN cardinality(v_done.o_keys) = cardinality(v_heads);
    END LOOP;
END $f$;

-- R3, R5, R6. Arrived jobs find their place, without ever waiting for a mailbox that is there.
CREATE FUNCTION {schema}.arrive(
    p_entities text[], p_now bigint, p_ladder bigint[],
    OUT o_deltas bigint[], OUT o_keys bigint[], OUT o_locked text[]
) LANGUAGE plpgsql AS $f$
DECLARE
    v_heads bigint[];
    v_rest bigint[];
    v_done record;
BEGIN
    o_deltas := '{}';
    o_keys := '{}';
    INSERT INTO {schema}.mailbox (entity)
    SELECT DISTINCT e.entity FROM unnest(p_entities) AS e(entity) ORDER BY e.entity ON CONFLICT DO NOTHING;
    SELECT coalesce(array_agg(q.entity), '{}') INTO o_locked FROM (
        SELECT m.entity FROM {schema}.mailbox m WHERE m.entity = ANY (p_entities)
        ORDER BY m.entity FOR UPDATE SKIP LOCKED
    ) q;
    -- A later statement: it sees what was committed before the locks were had.
    SELECT array_agg(h.key) INTO v_heads FROM unnest(o_locked) AS e(entity), LATERAL (
        SELECT j.key FROM {schema}.job j WHERE j.entity = e.entity AND j.lane IN ('arrived', 'parked')
        ORDER BY j.seq LIMIT 1
    ) h WHERE (SELECT count(*) FROM {schema}.job o WHERE o.entity = e.entity AND o.holds) = 0;
    IF v_heads IS NOT NULL THEN
        SELECT array_agg(q.key) INTO v_heads FROM (
            SELECT j.key FROM {schema}.job j WHERE j.key = ANY (v_heads) AND j.lane IN ('arrived', 'parked')
            FOR UPDATE SKIP LOCKED
        ) q;
        v_done := {schema}.activate(v_heads, p_now, true, p_ladder);
        o_deltas := v_done.o_deltas;
        o_keys := v_done.o_keys;
    END IF;
    SELECT array_agg(q.key) INTO v_rest FROM (
        SELECT r.key FROM unnest(o_locked) AS e(entity), LATERAL (
            SELECT j.key FROM {schema}.job j WHERE j.entity = e.entity AND j.lane = 'arrived'
            ORDER BY j.seq LIMIT 1000 FOR UPDATE SKIP LOCKED
        ) r WHERE (SELECT count(*) FROM {schema}.job o WHERE o.entity = e.entity AND o.holds) > 0
    ) q;
    IF v_rest IS NOT NULL THEN
        WITH parked AS (
            UPDATE {schema}.job j SET lane = 'parked', version = j.version + 1 WHERE j.key = ANY (v_rest)
            RETURNING j.type_id
        ), grouped AS (
            SELECT p.type_id, count(*) AS jobs FROM parked p GROUP BY p.type_id
        )
        SELECT o_deltas || array_agg(ARRAY[14, g.type_id, -1, 0, g.jobs]::bigint[]) INTO o_deltas FROM grouped g;
    END IF;
END $f$;

-- R4. Mailbox rows that nobody holds: the last thing before the ledger.
CREATE FUNCTION {schema}.drop_mailboxes(p_entities text[]) RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    DELETE FROM {schema}.mailbox m WHERE m.entity = ANY (p_entities)
        AND (SELECT count(*) FROM {schema}.job j WHERE j.entity = m.entity AND j.holds) = 0;
END $f$;

-- New jobs. Fewer keys than ids: some are here already.
CREATE FUNCTION {schema}.add_jobs(p_new {schema}.arrivals, p_writer bigint, p_now bigint) RETURNS bigint[]
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
    ), told AS (
        INSERT INTO {schema}.history SELECT a.key, 1, 'submitted', p_now, 0, NULL, NULL, NULL, NULL FROM added a
    )
    SELECT array_agg(a.key ORDER BY a.key), array_agg(a.id) INTO v_keys, v_ids FROM added a;
    -- Later than the insert, which may have waited for a job that was ending.
    IF EXISTS (SELECT 1 FROM {schema}.ended e WHERE e.id = ANY (v_ids)) THEN
        RAISE EXCEPTION 'a job is here already, and has ended' USING ERRCODE = 'JL002';
    END IF;
    RETURN coalesce(v_keys, '{}');
END $f$;

-- What was decided on jobs that go on. A row that is not the one decided on undoes everything.
CREATE FUNCTION {schema}.save_jobs(p {schema}.saves) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    v_done integer;
BEGIN
    UPDATE {schema}.job j SET
        seq = s.seq, lane = s.lane, holds = s.holds, due_at = s.due_at, eligible_at = s.eligible_at,
        origin_at = s.origin_at, run = s.run, failures = s.failures, losses = s.losses, writer_id = s.writer_id,
        fence = s.fence, started_at = s.started_at, cancel_at = s.cancel_at, ended_at = s.ended_at, reason = s.reason,
        error = s.error, result = s.result, progress = s.progress, version = s.version
    FROM unnest(
        p.seq, p.lane, p.holds, p.due_at, p.eligible_at, p.origin_at, p.run, p.failures, p.losses, p.writer_id, p.fence,
        p.started_at, p.cancel_at, p.ended_at, p.reason, p.error, p.result, p.progress, p.version, p.key, p.before
    ) AS s(
        seq, lane, holds, due_at, eligible_at, origin_at, run, failures, losses, writer_id, fence, started_at,
        cancel_at, ended_at, reason, error, result, progress, version, key, before
    ) WHERE j.key = s.key AND j.version = s.before;
    GET DIAGNOSTICS v_done = ROW_COUNT;
    IF v_done <> cardinality(p.key) THEN
        RAISE EXCEPTION '% of % jobs are not what was decided on', cardinality(p.key) - v_done, cardinality(p.key)
            USING ERRCODE = 'JL002';
    END IF;
END $f$;

-- What was decided on jobs that end: they leave the hot table. As above.
CREATE FUNCTION {schema}.end_jobs(p {schema}.endings, p_now bigint) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    v_done integer;
BEGIN
    WITH gone AS (
        DELETE FROM {schema}.job j USING unnest(
            p.key, p.before, p.lane, p.failures, p.losses, p.reason, p.error, p.result, p.version
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
    IF v_done <> cardinality(p.key) THEN
        RAISE EXCEPTION '% of % jobs are not what was decided on', cardinality(p.key) - v_done, cardinality(p.key)
            USING ERRCODE = 'JL002';
    END IF;
END $f$;

-- Dead letters that get a new life: back into the hot table. As above.
CREATE FUNCTION {schema}.revive_jobs(p {schema}.saves) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    v_done integer;
BEGIN
    WITH risen AS (
        DELETE FROM {schema}.ended e USING unnest(p.key, p.before) AS s(key, before)
        WHERE e.key = s.key AND e.version = s.before RETURNING e.*
    )
    INSERT INTO {schema}.job SELECT r.* FROM risen r;
    GET DIAGNOSTICS v_done = ROW_COUNT;
    IF v_done <> cardinality(p.key) THEN
        RAISE EXCEPTION '% of % jobs are not what was decided on', cardinality(p.key) - v_done, cardinality(p.key)
            USING ERRCODE = 'JL002';
    END IF;
    PERFORM {schema}.save_jobs(p);
END $f$;

-- Dead letters that are ended for good. As above.
CREATE FUNCTION {schema}.amend_ended(p {schema}.saves) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
    v_done integer;
BEGIN
    UPDATE {schema}.ended e SET
        lane = s.lane, ended_at = s.ended_at, reason = s.reason, error = s.error, version = s.version
    FROM unnest(p.lane, p.ended_at, p.reason, p.error, p.version, p.key, p.before)
        AS s(lane, ended_at, reason, error, version, key, before)
    WHERE e.key = s.key AND e.version = s.before;
    GET DIAGNOSTICS v_done = ROW_COUNT;
    IF v_done <> cardinality(p.key) THEN
        RAISE EXCEPTION '% of % jobs are not what was decided on', cardinality(p.key) - v_done, cardinality(p.key)
            USING ERRCODE = 'JL002';
    END IF;
END $f$;

-- Transitions, as history keeps them.
CREATE FUNCTION {schema}.tell(p {schema}.events) RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    INSERT INTO {schema}.history SELECT * FROM unnest(
        p.job_key, p.version, p.name, p.at, p.run, p.writer_id, p.reason, p.error, p.micros
    );
END $f$;

-- Counts: into the rows of a writer, or (0) beside them, where nobody waits for anybody.
CREATE FUNCTION {schema}.book_counts(p_writer bigint, p_deltas bigint[], p_own {schema}.own_counts) RETURNS void
LANGUAGE plpgsql AS $f$
BEGIN
    IF p_writer = 0 THEN
        INSERT INTO {schema}.ledger_delta (number, type_id, priority, cell, value)
        SELECT q.number, q.type_id, q.priority, q.cell, sum(q.value) FROM (
            SELECT p_deltas[i][1] AS number, p_deltas[i][2] AS type_id, p_deltas[i][3] AS priority,
                p_deltas[i][4] AS cell, p_deltas[i][5]::numeric AS value
            FROM generate_subscripts(p_deltas, 1) AS i
            UNION ALL SELECT o.number, 0, -1, o.cell, o.value::numeric
            FROM unnest((p_own).number, (p_own).cell, (p_own).value) AS o(number, cell, value)
        ) q GROUP BY q.number, q.type_id, q.priority, q.cell HAVING sum(q.value) <> 0;
    ELSE
        INSERT INTO {schema}.ledger AS l
        SELECT p_writer, q.number, q.type_id, q.priority, q.cell, sum(q.value) FROM (
            SELECT p_deltas[i][1] AS number, p_deltas[i][2] AS type_id, p_deltas[i][3] AS priority,
                p_deltas[i][4] AS cell, p_deltas[i][5]::numeric AS value
            FROM generate_subscripts(p_deltas, 1) AS i
            UNION ALL SELECT o.number, 0, -1, o.cell, o.value::numeric
            FROM unnest((p_own).number, (p_own).cell, (p_own).value) AS o(number, cell, value)
        ) q GROUP BY q.number, q.type_id, q.priority, q.cell HAVING sum(q.value) <> 0
        ON CONFLICT (writer_id, number, type_id, priority, cell) DO UPDATE SET value = l.value + excluded.value;
    END IF;
END $f$;

-- How many of the next starts belong to each waiting priority: as jobledger._core.priority.Stride.quotas.
CREATE FUNCTION {schema}.quotas(p_marks integer[], p_waiting boolean[], p_slots integer) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE AS $f$
DECLARE
    c_strides CONSTANT integer[] := '{3,4,6,12}';
    v_marks integer[] := p_marks;
    v_quotas integer[] := '{0,0,0,0}';
    v_open integer[] := '{}';
    v_next integer;
    v_priority integer;
BEGIN
    FOR p IN 1..4 LOOP
        IF p_waiting[p] THEN
            v_open := v_open || p;
        END IF;
    END LOOP;
    IF cardinality(v_open) = 1 THEN
        v_quotas[v_open[1]] := p_slots;
        RETURN v_quotas;
    END IF;
    FOR turn IN 1..(CASE WHEN cardinality(v_open) = 0 THEN 0 ELSE p_slots END) LOOP
        v_next := v_open[1];
        FOREACH v_priority IN ARRAY v_open LOOP
            IF v_marks[v_priority] < v_marks[v_next] THEN
                v_next := v_priority;
            END IF;
        END LOOP;
        v_marks[v_next] := v_marks[v_next] + c_strides[v_next];
        v_quotas[v_next] := v_quotas[v_next] + 1;
    END LOOP;
    RETURN v_quotas;
END $f$;

-- The next jobs of one group of types, up to its free slots, by weight; never waiting for a row.
CREATE FUNCTION {schema}.pick(
    p_types integer[], p_slots integer, p_marks integer[], p_suspect boolean, p_ready_only boolean,
    OUT o_keys bigint[], OUT o_entities text[], OUT o_suspect boolean, OUT o_waiting boolean[]
) LANGUAGE plpgsql AS $f$
DECLARE
    c_strides CONSTANT integer[] := '{3,4,6,12}';
    v_types integer[];
    v_priorities integer[];
    v_suspects boolean;
    v_behind bigint[];
    v_marks integer[] := p_marks;
    v_quotas integer[];
    v_pairs integer;
    v_share integer;
    v_got integer;
    v_found record;
BEGIN
    o_keys := '{}';
    o_entities := '{}';
    o_suspect := false;
    o_waiting := '{false,false,false,false}';
    IF p_slots <= 0 OR cardinality(p_types) = 0 THEN
        RETURN;
    END IF;
    -- A probe for each pair: an EXISTS would be made a join that reads all that waits.
    SELECT array_agg(t.type_id ORDER BY t.place), array_agg(p ORDER BY t.place), p_suspect AND EXISTS (
        SELECT 1 FROM {schema}.job j WHERE j.lane IN ('ready', 'arrived') AND j.losses > 0
    ) INTO v_types, v_priorities, v_suspects
    FROM unnest(p_types) WITH ORDINALITY AS t(type_id, place), generate_series(0, 3) AS p
    WHERE (
        SELECT true FROM {schema}.job j WHERE j.type_id = t.type_id AND j.priority = p
            AND j.lane IN ('ready', 'arrived') AND j.losses = 0 ORDER BY j.seq LIMIT 1
    );
    IF v_suspects THEN
        SELECT q.key, q.entity, q.lane, q.priority INTO v_found FROM (
            SELECT s.*, t.place FROM unnest(p_types) WITH ORDINALITY AS t(type_id, place), LATERAL (
                SELECT j.key, j.entity, j.lane, j.priority FROM {schema}.job j
                WHERE j.type_id = t.type_id AND j.lane IN ('ready', 'arrived') AND j.losses > 0
                    AND (j.lane = 'ready' OR NOT p_ready_only)
                ORDER BY j.priority, j.seq LIMIT 1 FOR UPDATE SKIP LOCKED
            ) s
        ) q ORDER BY q.priority, q.place LIMIT 1;
        IF FOUND THEN
            o_suspect := true;
            o_keys := ARRAY[v_found.key];
            v_marks[v_found.priority + 1] := v_marks[v_found.priority + 1] + c_strides[v_found.priority + 1];
            IF v_found.lane = 'arrived' THEN
                o_entities := ARRAY[v_found.entity];
            END IF;
        END IF;
    END IF;
    IF v_types IS NULL THEN
        RETURN;
    END IF;
    v_behind := array_fill(-1::bigint, ARRAY[cardinality(v_types)]);
    FOR p IN 1..4 LOOP
        o_waiting[p] := (p - 1) = ANY (v_priorities);
    END LOOP;
    WHILE cardinality(o_keys) < p_slots AND true = ANY (o_waiting) LOOP
        v_quotas := {schema}.quotas(v_marks, o_waiting, p_slots - cardinality(o_keys));
        FOR p IN 1..4 LOOP
            CONTINUE WHEN v_quotas[p] = 0;
            v_pairs := cardinality(array_positions(v_priorities, p - 1));
            v_got := 0;
            -- First a share for each type, then whoever has more.
            FOREACH v_share IN ARRAY ARRAY[2 * ((v_quotas[p] + v_pairs - 1) / v_pairs), v_quotas[p]] LOOP
                WITH q AS MATERIALIZED (
                    SELECT t.place, s.key, s.seq, s.entity, s.lane
                    FROM unnest(v_types, v_priorities, v_behind) WITH ORDINALITY AS t(type_id, priority, behind, place),
                    LATERAL (
                        SELECT j.key, j.seq, j.entity, j.lane FROM {schema}.job j
                        WHERE j.type_id = t.type_id AND j.priority = t.priority AND j.lane IN ('ready', 'arrived')
                            AND j.losses = 0 AND j.seq > t.behind AND (j.lane = 'ready' OR NOT p_ready_only)
                        ORDER BY j.seq LIMIT v_share FOR UPDATE SKIP LOCKED
                    ) s WHERE t.priority = p - 1 LIMIT v_quotas[p] - v_got
                )
                SELECT (SELECT array_agg(q.key ORDER BY q.place, q.seq) FROM q) AS keys,
                    (SELECT array_agg(q.entity) FROM q WHERE q.lane = 'arrived') AS entities,
                    (SELECT array_agg(greatest(b.behind, (SELECT max(q.seq) FROM q WHERE q.place = b.place))
                            ORDER BY b.place) FROM unnest(v_behind) WITH ORDINALITY AS b(behind, place)) AS behind,
                    (SELECT count(*)::integer FROM q) AS jobs
                INTO v_found;
                IF v_found.jobs > 0 THEN
                    o_keys := o_keys || v_found.keys;
                    o_entities := o_entities || coalesce(v_found.entities, '{}');
                    v_got := v_got + v_found.jobs;
                    v_behind := v_found.behind;
                END IF;
                EXIT WHEN v_got >= v_quotas[p] OR (v_pairs = 1 AND v_share >= v_quotas[p]);
            END LOOP;
            v_marks[p] := v_marks[p] + v_got * c_strides[p];
            o_waiting[p] := v_got >= v_quotas[p];
        END LOOP;
    END LOOP;
END $f$;

-- Picked jobs that are ready start; the others have found their mailbox held. The time of a batch is reckoned before it
-- is sent: what made a job ready may have been reckoned later, and be here first.
CREATE FUNCTION {schema}.start_jobs(
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
        RETURNING j.key, j.type_id, j.priority, j.run, j.version, j.started_at,
            greatest(p_now - j.eligible_at, 0) AS waited
    ), told AS (
        INSERT INTO {schema}.history
        SELECT s.key, s.version, 'started', s.started_at, s.run, p_writer, NULL, NULL, NULL FROM started s
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

-- All of a batch behind its fence and its locks. `what` says what a row is: `job` has been started, the others carry
-- numbers: `added` (keys), `waiting` (four a group, 1: has more), `stops` (keys), `clock` (the time, the next due time,
-- whether work is left for others, whether to look again).
CREATE FUNCTION {schema}.work(
    p_me bigint, p_now bigint, p_ladder bigint[], p_new {schema}.arrivals, p_saves {schema}.saves,
    p_endings {schema}.endings, p_events {schema}.events, p_deltas bigint[], p_own {schema}.own_counts,
    p_completed integer[], p_freed text[], p_claim {schema}.claim, p_entities text[], p_made bigint[]
) RETURNS SETOF {schema}.answer LANGUAGE plpgsql AS $f$
DECLARE
    v_deltas bigint[] := p_deltas;
    v_entities text[] := p_entities;
    v_touched text[] := p_freed;
    v_made bigint[] := p_made;
    v_added bigint[];
    v_picked bigint[] := '{}';
    v_started bigint[] := '{}';
    v_waiting boolean[] := '{}';
    v_again boolean := false;
    v_groups integer := coalesce(cardinality(p_claim.sizes), 0);
    v_suspects integer := coalesce(p_claim.suspects, 0);
    v_free integer[];
    v_from integer;
    v_types integer[];
    v_full boolean := false;
    v_done record;
BEGIN
    IF cardinality(p_new.id) > 0 THEN
        v_added := add_jobs(p_new, p_me, p_now);
        IF cardinality(v_added) < cardinality(p_new.id) THEN
            RAISE EXCEPTION 'some jobs are here already' USING ERRCODE = 'JL002';
        END IF;
        v_made := v_made || v_added;
        v_entities := v_entities || array(
            SELECT n.entity FROM unnest(p_new.entity, p_new.lane) AS n(entity, lane) WHERE n.lane = 'arrived'
        );
    END IF;
    IF cardinality(p_saves.key) > 0 THEN
        PERFORM save_jobs(p_saves);
        v_made := v_made || array(
            SELECT s.key FROM unnest(p_saves.key, p_saves.lane) AS s(key, lane) WHERE s.lane IN ('ready', 'arrived')
        );
    END IF;
    IF cardinality(p_endings.key) > 0 THEN
        PERFORM end_jobs(p_endings, p_now);
    END IF;
    IF cardinality(p_events.job_key) > 0 THEN
        PERFORM tell(p_events);
    END IF;
    IF cardinality(p_freed) > 0 THEN
        v_done := hand_over(p_freed, p_now, p_ladder);
        v_deltas := v_deltas || v_done.o_deltas;
        v_made := v_made || v_done.o_keys;
    END IF;
    v_free := p_claim.slots;
    v_from := 1;
    FOR g IN 1..v_groups LOOP
        v_types := p_claim.types[v_from:v_from + p_claim.sizes[g] - 1];
        v_from := v_from + p_claim.sizes[g];
        v_done := pick(v_types, v_free[g], p_claim.marks[4 * g - 3:4 * g], v_suspects > 0, false);
        v_suspects := v_suspects - v_done.o_suspect::integer;
        v_picked := v_picked || v_done.o_keys;
        v_entities := v_entities || v_done.o_entities;
        v_full := v_full OR (v_free[g] > 0 AND v_free[g] = cardinality(v_done.o_keys));
        v_waiting := v_waiting || v_done.o_waiting;
    END LOOP;
    IF cardinality(v_entities) > 0 THEN
        v_done := arrive(v_entities, p_now, p_ladder);
        v_deltas := v_deltas || v_done.o_deltas;
        v_made := v_made || v_done.o_keys;
        v_touched := v_touched || v_done.o_locked;
        v_again := EXISTS (SELECT 1 FROM unnest(v_entities) AS e(entity) WHERE NOT e.entity = ANY (v_done.o_locked));
    END IF;
    IF cardinality(v_picked) > 0 THEN
        v_done := start_jobs(p_me, v_picked, p_now, p_ladder);
        v_deltas := v_deltas || v_done.o_deltas;
        v_started := v_done.o_started;
    END IF;
    IF cardinality(v_entities) > 0 AND v_groups > 0 THEN
        -- Slots that were picked for jobs which had to park go to jobs that are ready now.
        v_from := 1;
        v_picked := '{}';
        FOR g IN 1..v_groups LOOP
            v_types := p_claim.types[v_from:v_from + p_claim.sizes[g] - 1];
            v_from := v_from + p_claim.sizes[g];
            v_free[g] := p_claim.slots[g] - (
                SELECT count(*) FROM job j WHERE j.key = ANY (v_started) AND j.type_id = ANY (v_types)
            );
            v_done := pick(v_types, v_free[g], p_claim.marks[4 * g - 3:4 * g], v_suspects > 0, true);
            v_suspects := v_suspects - v_done.o_suspect::integer;
            v_picked := v_picked || v_done.o_keys;
            v_free[g] := v_free[g] - coalesce(cardinality(v_done.o_keys), 0);
            FOR p IN 1..4 LOOP
                v_waiting[4 * g - 4 + p] := v_done.o_waiting[p];
            END LOOP;
        END LOOP;
        IF cardinality(v_picked) > 0 THEN
            v_done := start_jobs(p_me, v_picked, p_now, p_ladder);
            v_deltas := v_deltas || v_done.o_deltas;
            v_started := v_started || v_done.o_started;
        END IF;
        v_again := v_again OR (v_full AND EXISTS (SELECT 1 FROM unnest(v_free) AS f(slots) WHERE f.slots > 0));
    END IF;
    IF cardinality(v_touched) > 0 THEN
        PERFORM drop_mailboxes(v_touched);
    END IF;
    PERFORM book_counts(p_me, v_deltas, p_own);
    IF cardinality(p_completed) > 0 THEN
        INSERT INTO last_completed AS l SELECT p_me, c, p_now FROM unnest(p_completed) AS c
        ON CONFLICT (writer_id, type_id) DO UPDATE SET at = greatest(l.at, excluded.at);
    END IF;
    RETURN QUERY (
        SELECT 'job', NULL::bigint[], j.* FROM job j WHERE j.key = ANY (v_started) ORDER BY j.fence
    ) UNION ALL SELECT v.what, v.numbers, t.* FROM (VALUES
        ('added', v_added),
        ('waiting', v_waiting::integer[]::bigint[]),
        ('stops', array(
            SELECT j.key FROM job j WHERE j.lane = 'processing' AND j.cancel_at IS NOT NULL AND j.writer_id = p_me
        )),
        ('clock', ARRAY[
            clock(), (SELECT min(j.due_at) FROM job j WHERE j.lane = 'scheduled'),
            EXISTS (SELECT 1 FROM unnest(v_made) AS m WHERE NOT m = ANY (v_started))::integer, v_again::integer
        ])
    ) AS v(what, numbers), (SELECT (NULL::job).*) t;
END $f$;

-- One batch. With `p_slack` the time is an estimate of this clock, and must be as near as that.
CREATE FUNCTION {schema}.batch(
    p_me bigint, p_batch bigint, p_now bigint, p_slack bigint, p_ladder bigint[], p_entities text[],
    p_new {schema}.arrivals, p_saves {schema}.saves, p_endings {schema}.endings, p_events {schema}.events,
    p_deltas bigint[], p_own {schema}.own_counts, p_completed integer[], p_freed text[], p_claim {schema}.claim
) RETURNS SETOF {schema}.answer LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET jit = off SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_material = off SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
    v_clock bigint;
    v_due record;
BEGIN
    v_clock := fence(p_me, p_batch);
    IF p_slack IS NOT NULL AND abs(v_clock - p_now) > p_slack THEN
        RAISE EXCEPTION 'the clock is % microseconds ahead', v_clock - p_now USING ERRCODE = 'JL003';
    END IF;
    IF cardinality(p_entities) > 0 THEN
        PERFORM lock_mailboxes(p_entities);
    END IF;
    v_due := promote(p_now);
    RETURN QUERY SELECT * FROM work(
        p_me, p_now, p_ladder, p_new, p_saves, p_endings, p_events, p_deltas || v_due.o_deltas, p_own, p_completed,
        p_freed, p_claim, v_due.o_entities, v_due.o_keys
    );
END $f$;

-- What is left of a batch that has looked.
CREATE FUNCTION {schema}.finish(
    p_me bigint, p_now bigint, p_ladder bigint[], p_new {schema}.arrivals, p_saves {schema}.saves,
    p_endings {schema}.endings, p_events {schema}.events, p_deltas bigint[], p_own {schema}.own_counts,
    p_completed integer[], p_freed text[], p_claim {schema}.claim, p_entities text[], p_made bigint[]
) RETURNS SETOF {schema}.answer LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET jit = off SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_material = off SET plan_cache_mode = force_generic_plan AS $f$
BEGIN
    RETURN QUERY SELECT * FROM work(
        p_me, p_now, p_ladder, p_new, p_saves, p_endings, p_events, p_deltas, p_own, p_completed, p_freed, p_claim,
        p_entities, p_made
    );
END $f$;

-- A batch of new jobs from who runs none: half of the work of any batch, and of the time. Gives the time and their keys.
CREATE FUNCTION {schema}.accept(
    p_me bigint, p_batch bigint, p_now bigint, p_slack bigint, p_ladder bigint[], p_new {schema}.arrivals,
    p_deltas bigint[], p_entities text[]
) RETURNS bigint[] LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET jit = off SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_material = off SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
    v_clock bigint;
    v_added bigint[];
    v_done record;
BEGIN
    v_clock := fence(p_me, p_batch);
    IF p_slack IS NOT NULL AND abs(v_clock - p_now) > p_slack THEN
        RAISE EXCEPTION 'the clock is % microseconds ahead', v_clock - p_now USING ERRCODE = 'JL003';
    END IF;
    v_added := add_jobs(p_new, p_me, p_now);
    IF cardinality(v_added) < cardinality(p_new.id) THEN
        RAISE EXCEPTION 'some jobs are here already' USING ERRCODE = 'JL002';
    END IF;
    IF cardinality(p_entities) > 0 THEN
        v_done := arrive(p_entities, p_now, p_ladder);
        PERFORM drop_mailboxes(v_done.o_locked);
        PERFORM book_counts(p_me, p_deltas || v_done.o_deltas, NULL);
    ELSE
        PERFORM book_counts(p_me, p_deltas, NULL);
    END IF;
    RETURN v_clock || v_added;
END $f$;
