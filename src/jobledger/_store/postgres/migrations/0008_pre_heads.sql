-- Heads of mailboxes are found by their keys, whatever the statistics say: a plan that was made while the store was empty
-- walked through all that is parked. `lane || ''` is what no partial index has.

-- Heads of mailboxes: they hold it from here. Rows that were taken meanwhile are left out.
CREATE OR REPLACE FUNCTION {schema}.activate(
    p_keys bigint[], p_now bigint, p_free boolean, p_ladder bigint[], OUT o_deltas bigint[], OUT o_keys bigint[]
) LANGUAGE plpgsql AS $f$
BEGIN
    WITH before AS MATERIALIZED (
        SELECT j.key, j.lane, j.type_id, greatest(j.due_at, CASE WHEN p_free THEN 0 ELSE p_now END) AS since
        FROM {schema}.job j WHERE j.key = ANY (p_keys)
    ), heads AS (
        UPDATE {schema}.job j SET lane = 'ready', holds = true, eligible_at = b.since, version = j.version + 1
        FROM before b WHERE j.key = b.key AND j.lane || '' IN ('arrived', 'parked')
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

-- R3, R5, R6. Arrived jobs find their place, without ever waiting for a mailbox that is there.
CREATE OR REPLACE FUNCTION {schema}.arrive(
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
            SELECT j.key FROM {schema}.job j WHERE j.key = ANY (v_heads) AND j.lane || '' IN ('arrived', 'parked')
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
