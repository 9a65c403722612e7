-- After an idle time a client's batch tells the others by itself, so that they need not wait for a second question.

-- Like accept. The wake-up is a transaction of its own: one that notifies holds a lock of the whole cluster until it has
-- committed, and must not wait for a disk meanwhile. An error may come after the batch was committed.
CREATE PROCEDURE {schema}.accept_and_tell(
    p_me bigint, p_batch bigint, p_now bigint, p_slack bigint, p_ladder bigint[], p_form {schema}.form,
    p_new {schema}.arrivals, p_deltas bigint[], p_entities text[], p_channel text, p_word text, INOUT o_numbers bigint[]
) LANGUAGE plpgsql AS $f$
BEGIN
    o_numbers := {schema}.accept(p_me, p_batch, p_now, p_slack, p_ladder, p_form, p_new, p_deltas, p_entities);
    COMMIT;
    SET LOCAL synchronous_commit = off;
    PERFORM pg_notify(p_channel, p_word);
END $f$;
