-- Submitting in the caller's own transaction: by plain SQL, or by any driver. It waits for no mailbox, writes to no
-- writer's rows and sends no NOTIFY, so that a caller's long transaction is in nobody's way; only who wants the same
-- dedupe key waits for it. Both run as their owner, so that a role needs nothing but EXECUTE.

CREATE TYPE {schema}.item AS (
    place bigint, id text, type text, type_id integer, payload text, entity text, priority text, rank integer,
    delay bigint, due_at bigint, max_attempts integer, max_losses integer, timeout bigint, dedupe text,
    dedupe_for bigint, batch text, trace text,
    known boolean,                        -- it is here already: the same id, sent again
    holder text                           -- the other job that holds its dedupe key
);

-- A UUIDv7: the time in milliseconds, then chance. Bits 52 and 53 turn a version 4 into a version 7.
CREATE FUNCTION {schema}.new_id() RETURNS text LANGUAGE sql VOLATILE
AS $f$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid::text
$f$;

-- Why JSON that the server takes could not be read again by everybody, as jobledger._store.codec has it; else NULL. What
-- it says of strings is said without those of two backslashes, so that one before a quote or a u is an escape.
CREATE FUNCTION {schema}.unreadable(p_json text) RETURNS text LANGUAGE plpgsql IMMUTABLE
SET search_path = {schema}, pg_temp AS $f$
DECLARE
    c_depth CONSTANT integer := 200;
    c_digits CONSTANT integer := 4000;
    v_strings text;
    v_left text;
BEGIN
    IF length(p_json) < 300 AND p_json !~ '\\u|[0-9][eE]' THEN
        RETURN NULL;
    END IF;
    v_strings := replace(p_json, '\\', '');
    IF regexp_replace(
        v_strings, '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g'
    ) ~ '\\u[dD][89a-fA-F]' THEN
        RETURN 'it has half a surrogate pair';
    END IF;
    v_left := regexp_replace(v_strings, '"([^"\\]|\\.)*"', '', 'g');
    IF strpos(translate(v_left, '123456789', '000000000'), repeat('0', c_digits + 1)) > 0 THEN
        RETURN format('a number has more than %s digits; use a string', c_digits);
    END IF;
    BEGIN
        PERFORM count(n.found[1]::float8)
        FROM regexp_matches(v_left, '-?[0-9]+(?:[.][0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)', 'g') AS n(found);
    EXCEPTION WHEN numeric_value_out_of_range THEN
        RETURN 'a number is out of range';
    END;
    v_left := translate(regexp_replace(v_left, '[^][{}]', '', 'g'), '{}', '[]');
    FOR _ IN 1..c_depth LOOP
        EXIT WHEN v_left = '';
        v_left := replace(v_left, '[]', ''); -- each round takes the innermost away
    END LOOP;
    RETURN CASE WHEN v_left <> '' THEN
        format('nested more than %s deep: store the data elsewhere, or flatten it', c_depth)
    END;
END $f$;

-- What can be wrong with items is an error that says which and why, before anything is written.
CREATE FUNCTION {schema}.check_items(p_items {schema}.item[]) RETURNS void LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $f$
DECLARE
    c_longest CONSTANT bigint := 315360000000000;
    v_bad record;
BEGIN
    SELECT i.type INTO v_bad FROM unnest(p_items) i WHERE i.type_id IS NULL ORDER BY i.place LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'unknown job type %', coalesce(quote_literal(v_bad.type), 'NULL') USING ERRCODE = 'JL004',
            HINT = format(
                'A type is known once a worker that handles it has started, or after app.declare(%L). Known here: %s.',
                v_bad.type, coalesce((SELECT string_agg(q.name, ', ') FROM (
                    SELECT t.name FROM type t ORDER BY t.name LIMIT 20
                ) q), 'none')
            );
    END IF;
    SELECT n.what, n.value INTO v_bad FROM unnest(p_items) i, LATERAL (
        VALUES ('id', i.id), ('entity', i.entity), ('dedupe', i.dedupe), ('batch', i.batch), ('trace', i.trace)
    ) AS n(what, value) WHERE length(n.value) NOT BETWEEN 1 AND 255 OR n.value ~ '[\u0001-\u001f\u007f]'
    ORDER BY i.place LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% must have 1 to 255 printable characters', v_bad.what USING ERRCODE = 'JL005';
    END IF;
    IF (SELECT count(DISTINCT i.id) FROM unnest(p_items) i) < cardinality(p_items) THEN
        RAISE EXCEPTION 'two items have the same id' USING ERRCODE = 'JL005';
    END IF;
    SELECT coalesce(json_typeof(i.payload::json), 'NULL') AS kind, octet_length(convert_to(i.payload, 'UTF8')) AS size
    INTO v_bad FROM unnest(p_items) i
    WHERE i.payload IS NULL OR json_typeof(i.payload::json) <> 'object'
        OR octet_length(convert_to(i.payload, 'UTF8')) > 262144
    ORDER BY i.place LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a payload is a JSON object of at most 262144 bytes, not % of %', v_bad.kind,
            coalesce(v_bad.size, 0) USING ERRCODE = 'JL005', HINT = 'Store large data elsewhere and pass a reference.';
    END IF;
    SELECT u.why INTO v_bad FROM unnest(p_items) i, unreadable(i.payload) AS u(why) WHERE u.why IS NOT NULL
    ORDER BY i.place LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'not JSON that everybody can read: %', v_bad.why USING ERRCODE = 'JL005';
    END IF;
    SELECT CASE
        WHEN i.rank IS NULL THEN format('unknown priority %L: use one of critical, high, normal, low', i.priority)
        WHEN i.delay IS NOT NULL AND i.due_at IS NOT NULL THEN 'give delay or at, not both'
        WHEN i.delay NOT BETWEEN 0 AND c_longest THEN 'delay must be at least 0 and at most ten years'
        WHEN i.due_at >= 221845392000000000 THEN 'at must be before the year 9000'
        WHEN i.timeout NOT BETWEEN 1 AND c_longest THEN 'timeout must be more than 0 and at most ten years'
        WHEN i.max_attempts NOT BETWEEN 1 AND 1000000 THEN 'max_attempts must be a whole number from 1 to 1000000'
        WHEN i.dedupe_for IS NOT NULL AND i.dedupe IS NULL THEN 'dedupe_for needs dedupe: the key to hold'
        WHEN i.dedupe_for NOT BETWEEN 1 AND c_longest THEN 'dedupe_for must be more than 0 and at most ten years'
    END AS why INTO v_bad FROM unnest(p_items) i WHERE i.rank IS NULL
        OR (i.delay IS NOT NULL AND i.due_at IS NOT NULL) OR i.delay NOT BETWEEN 0 AND c_longest
        OR i.due_at >= 221845392000000000 OR i.timeout NOT BETWEEN 1 AND c_longest
        OR i.max_attempts NOT BETWEEN 1 AND 1000000 OR (i.dedupe_for IS NOT NULL AND i.dedupe IS NULL)
        OR i.dedupe_for NOT BETWEEN 1 AND c_longest
    ORDER BY i.place LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '%', v_bad.why USING ERRCODE = 'JL005';
    END IF;
END $f$;

-- Items with their type's defaults.
CREATE FUNCTION {schema}.read_items(p_items json) RETURNS {schema}.item[] LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $f$
BEGIN
    RETURN (
        SELECT array_agg(ROW(
            i.place, coalesce(i.id, new_id()), i.type, t.type_id, i.payload, i.entity, i.priority,
            CASE WHEN i.priority IS NULL THEN t.priority
                ELSE array_position('{critical,high,normal,low}'::text[], i.priority) - 1 END,
            i.delay, i.due_at, coalesce(i.max_attempts, t.max_attempts), t.max_losses,
            coalesce(i.timeout, t.timeout), i.dedupe, i.dedupe_for, i.batch, i.trace, false, NULL
        )::item ORDER BY i.place)
        FROM ROWS FROM (json_to_recordset(p_items) AS (
            id text, type text, payload text, entity text, priority text, delay bigint, due_at bigint,
            max_attempts integer, timeout bigint, dedupe text, dedupe_for bigint, batch text, trace text
        )) WITH ORDINALITY AS i(
            id, type, payload, entity, priority, delay, due_at, max_attempts, timeout, dedupe, dedupe_for, batch, trace,
            place
        ) LEFT JOIN type t ON t.name = i.type
    );
END $f$;

-- Which are here already, and which find their dedupe key held: by a job, or by an item before them. Keys are locked in
-- an order that all keep, and looked at in a later statement, as everywhere; but not one that a live job has already: to
-- say so takes no lock, which would be in the way of that job until the caller's transaction ends.
CREATE FUNCTION {schema}.judge_items(p_items {schema}.item[], p_now bigint) RETURNS {schema}.item[] LANGUAGE plpgsql
SET search_path = {schema}, pg_temp SET enable_seqscan = off AS $f$
DECLARE
    v_key record;
    v_types integer[];
    v_keys text[];
    v_holders text[];
BEGIN
    SELECT array_agg(q.type_id), array_agg(q.key), array_agg(q.job_id) INTO v_types, v_keys, v_holders FROM (
        SELECT DISTINCT d.type_id, d.key, d.job_id FROM unnest(p_items) i
        JOIN dedupe d ON d.type_id = i.type_id AND d.key = i.dedupe JOIN job j ON j.id = d.job_id
    ) q;
    FOR v_key IN
        SELECT DISTINCT i.type_id, i.dedupe COLLATE "C" AS key FROM unnest(p_items) i
        WHERE i.dedupe IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM unnest(v_types, v_keys) AS h(type_id, key) WHERE h.type_id = i.type_id AND h.key = i.dedupe
        ) ORDER BY 1, 2
    LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('jobledger {schema} ' || v_key.type_id || ' ' || v_key.key, 0));
    END LOOP;
    RETURN (
        WITH here AS MATERIALIZED (
            SELECT j.id FROM job j WHERE j.id = ANY (array(SELECT i.id FROM unnest(p_items) i)) UNION ALL
            SELECT e.id FROM ended e WHERE e.id = ANY (array(SELECT i.id FROM unnest(p_items) i))
        ), looked AS MATERIALIZED (
            SELECT i.*, coalesce(h.job_id, CASE WHEN j.id IS NOT NULL OR (
                d.until > p_now AND coalesce(e.lane NOT IN ('cancelled', 'discarded'), true)
            ) THEN d.job_id END) AS held_by, coalesce(i.id IN (h.job_id, d.job_id), false) AS is_holder
            FROM unnest(p_items) i
            LEFT JOIN unnest(v_types, v_keys, v_holders) AS h(type_id, key, job_id)
                ON h.type_id = i.type_id AND h.key = i.dedupe
            LEFT JOIN dedupe d ON d.type_id = i.type_id AND d.key = i.dedupe
            LEFT JOIN job j ON j.id = d.job_id LEFT JOIN ended e ON e.id = d.job_id
        ), sorted AS (
            SELECT l.*, l.is_holder OR EXISTS (SELECT 1 FROM here h WHERE h.id = l.id) AS is_known FROM looked l
        ), named AS (
            SELECT s.*, first_value(s.id) OVER (PARTITION BY s.type_id, s.dedupe, s.is_known ORDER BY s.place) AS first
            FROM sorted s
        )
        SELECT array_agg(ROW(
            n.place, n.id, n.type, n.type_id, n.payload, n.entity, n.priority, n.rank, n.delay, n.due_at,
            n.max_attempts, n.max_losses, n.timeout, n.dedupe, n.dedupe_for, n.batch, n.trace, n.is_known,
            CASE WHEN NOT n.is_known AND n.dedupe IS NOT NULL
                THEN coalesce(n.held_by, nullif(n.first, n.id)) END
        )::item ORDER BY n.place) FROM named n
    );
END $f$;

-- New jobs, as jobledger._core.decide.submit makes them: rows, history, keys and counts.
CREATE FUNCTION {schema}.accept_items(p_items {schema}.item[], p_now bigint) RETURNS void LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $f$
DECLARE
    v_new arrivals;
    v_keys bigint[];
BEGIN
    WITH due AS (
        SELECT i.*, greatest(p_now, coalesce(i.due_at, p_now + coalesce(i.delay, 0))) AS due
        FROM unnest(p_items) i WHERE NOT i.known AND i.holder IS NULL
    ), placed AS (
        SELECT d.*, CASE WHEN d.due > p_now THEN 'scheduled' WHEN d.entity IS NULL THEN 'ready' ELSE 'arrived' END AS lane,
            CASE WHEN d.dedupe_for IS NULL THEN 0 ELSE p_now + d.dedupe_for END AS until
        FROM due d
    )
    SELECT array_agg(p.id ORDER BY p.place), array_agg(p.type_id ORDER BY p.place), array_agg(p.entity ORDER BY p.place),
        array_agg(p.rank ORDER BY p.place), array_agg(p.lane ORDER BY p.place), array_agg(p.due ORDER BY p.place),
        array_agg(p.max_attempts ORDER BY p.place), array_agg(p.max_losses ORDER BY p.place),
        array_agg(p.timeout ORDER BY p.place), array_agg(p.dedupe ORDER BY p.place),
        array_agg(p.until ORDER BY p.place), array_agg(p.batch ORDER BY p.place), array_agg(p.trace ORDER BY p.place),
        array_agg(convert_to(p.payload, 'UTF8') ORDER BY p.place), array_agg(NULL::bigint ORDER BY p.place)
    INTO v_new FROM placed p;
    IF v_new.id IS NULL THEN
        RETURN;
    END IF;
    v_keys := add_jobs(v_new, 0, p_now);
    IF cardinality(v_keys) < cardinality(v_new.id) THEN
        RAISE EXCEPTION 'a job with the same id was submitted at the same time' USING ERRCODE = 'JL002';
    END IF;
    INSERT INTO dedupe (type_id, key, job_id, until)
    SELECT n.type_id, n.key, n.id, n.until
    FROM unnest(v_new.type_id, v_new.dedupe, v_new.id, v_new.dedupe_until) AS n(type_id, key, id, until)
    WHERE n.key IS NOT NULL
    ON CONFLICT (type_id, key) DO UPDATE SET job_id = excluded.job_id, until = excluded.until;
    PERFORM book_counts(0, (
        SELECT array_agg(ARRAY[c.number, c.type_id, c.priority, 0, c.jobs]::bigint[]) FROM (
            SELECT 6 AS number, n.type_id, n.priority, count(*) AS jobs
            FROM unnest(v_new.type_id, v_new.priority) AS n(type_id, priority) GROUP BY n.type_id, n.priority
            UNION ALL SELECT CASE WHEN n.lane = 'scheduled' THEN 13 ELSE 9 END, n.type_id, n.priority, count(*)
            FROM unnest(v_new.type_id, v_new.priority, v_new.lane) AS n(type_id, priority, lane)
            GROUP BY 1, n.type_id, n.priority
        ) c
    ), NULL);
END $f$;

-- Many jobs, all or none: an id each, in order, with the other job that holds its dedupe key, if one does. Strict: one
-- held key refuses them all, and its item is the only answer. Each item has the fields of `submit`, times in
-- microseconds, and its payload as text.
CREATE FUNCTION {schema}.submit_all(p_items json, p_strict boolean) RETURNS TABLE (id text, holder text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET jit = off AS $f$
#variable_conflict use_column
DECLARE
    v_now bigint;
    v_items item[] := read_items(p_items);
    v_refused item;
BEGIN
    IF v_items IS NULL THEN
        RETURN;
    END IF;
    PERFORM check_items(v_items);
    v_now := clock();
    v_items := judge_items(v_items, v_now);
    IF p_strict THEN
        SELECT i.* INTO v_refused FROM unnest(v_items) i WHERE i.holder IS NOT NULL ORDER BY i.place LIMIT 1;
    END IF;
    IF v_refused.holder IS NOT NULL THEN
        v_items := ARRAY[v_refused];
    ELSE
        PERFORM accept_items(v_items, v_now);
    END IF;
    PERFORM book_counts(0, (
        SELECT array_agg(ARRAY[d.number, d.type_id, -1, 0, d.jobs]::bigint[]) FROM (
            SELECT 17 AS number, i.type_id, count(*) AS jobs FROM unnest(v_items) i WHERE i.holder IS NOT NULL
            GROUP BY i.type_id
        ) d
    ), NULL);
    RETURN QUERY SELECT i.id, i.holder FROM unnest(v_items) i ORDER BY i.place;
END $f$;

-- One job, by any program that speaks SQL: SELECT jobledger.submit('email.send', '{"to": "a@b.c"}', priority => 'high').
-- Gives its id, or that of the job that holds its dedupe key.
CREATE FUNCTION {schema}.submit(
    type text, payload jsonb DEFAULT '{}', entity text DEFAULT NULL, priority text DEFAULT NULL,
    delay interval DEFAULT NULL, at timestamptz DEFAULT NULL, timeout interval DEFAULT NULL,
    max_attempts integer DEFAULT NULL, dedupe text DEFAULT NULL, dedupe_for interval DEFAULT NULL,
    batch text DEFAULT NULL, trace text DEFAULT NULL, id uuid DEFAULT NULL
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $f$
DECLARE
    v_item json := json_build_object(
        'type', submit.type, 'payload', submit.payload::text, 'entity', submit.entity, 'priority', submit.priority,
        'delay', (extract(epoch FROM submit.delay) * 1000000)::bigint,
        'due_at', CASE WHEN submit.at IS NOT NULL THEN (extract(epoch FROM greatest(
            least(submit.at, timestamptz '9000-01-01 00:00:00Z'), clock_timestamp()
        )) * 1000000)::bigint END,
        'timeout', (extract(epoch FROM submit.timeout) * 1000000)::bigint, 'max_attempts', submit.max_attempts,
        'dedupe', submit.dedupe, 'dedupe_for', (extract(epoch FROM submit.dedupe_for) * 1000000)::bigint,
        'batch', submit.batch, 'trace', submit.trace, 'id', submit.id
    );
BEGIN
    RETURN (SELECT coalesce(s.holder, s.id) FROM submit_all(json_build_array(v_item), false) s);
END $f$;

-- After the commit, for who does not want to wait until workers look by themselves, four times a second. Not in the
-- transaction that submits: the server makes commits that notify queue.
CREATE FUNCTION {schema}.wake() RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    NOTIFY {schema};
END $f$;

REVOKE EXECUTE ON FUNCTION {schema}.submit_all(json, boolean) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.submit(
    text, jsonb, text, text, interval, timestamptz, interval, integer, text, interval, text, text, uuid
) FROM PUBLIC;
