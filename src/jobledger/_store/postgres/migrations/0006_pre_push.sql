-- Pushed metrics: which store they are of, since when it has counted, and whose turn it is to push them.

ALTER TABLE {schema}.book ADD COLUMN id text NOT NULL DEFAULT gen_random_uuid()::text;
ALTER TABLE {schema}.book ADD COLUMN began_at bigint NOT NULL DEFAULT {schema}.clock();

-- An older store says as early as it still knows.
UPDATE {schema}.book SET began_at = least(
    began_at,
    (SELECT submitted_at FROM {schema}.job ORDER BY key LIMIT 1),
    (SELECT submitted_at FROM {schema}.ended WHERE lane <> 'failed' ORDER BY ended_at LIMIT 1),
    (SELECT min(started_at) FROM {schema}.writer),
    (SELECT min(at) FROM {schema}.total)
);

CREATE TABLE {schema}.push (
    one integer PRIMARY KEY CHECK (one = 1),
    at bigint NOT NULL,                   -- when the interval began that was last taken
    writer_id bigint NOT NULL             -- by whom
);
