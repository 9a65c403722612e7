-- The books: jobs, their history, the writers and the ledger.

CREATE TABLE {schema}.book (
    one integer PRIMARY KEY CHECK (one = 1),
    version integer NOT NULL,             -- the last migration that was run here
    needs integer NOT NULL,               -- the schema that a jobledger must know at least to work here
    boundaries text NOT NULL              -- JSON array of seconds, fixed for this database
);

-- Orders, fences and the keys of rows. Not cached: who draws later has the higher one.
CREATE SEQUENCE {schema}.number;

CREATE TABLE {schema}.type (
    type_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    label text NOT NULL,
    priority integer NOT NULL,
    max_attempts integer NOT NULL,
    max_losses integer NOT NULL,
    timeout bigint
);

-- Jobs that have not ended. The columns are the fields of jobledger._core.job.Job, in their order; the payload is last.
CREATE TABLE {schema}.job (
    key bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    seq bigint NOT NULL,
    type_id integer NOT NULL,
    entity text COLLATE "C",
    priority integer NOT NULL,
    lane text COLLATE "C" NOT NULL,
    holds boolean NOT NULL,
    submitted_at bigint NOT NULL,
    due_at bigint NOT NULL,
    eligible_at bigint,
    origin_at bigint NOT NULL,
    run integer NOT NULL,
    failures integer NOT NULL,
    losses integer NOT NULL,
    max_attempts integer NOT NULL,
    max_losses integer NOT NULL,
    timeout bigint,
    dedupe text COLLATE "C",
    dedupe_until bigint NOT NULL,
    batch text COLLATE "C",
    trace text,
    writer_id bigint,
    fence bigint NOT NULL,
    started_at bigint,
    cancel_at bigint,
    ended_at bigint,
    reason text,
    error text,
    result bytea,
    progress text,
    version integer NOT NULL,
    payload bytea NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

-- `seq` has no index of its own: a generic plan would walk it from the start. Only these give the order.
CREATE INDEX job_claim ON {schema}.job (type_id, priority, seq) WHERE lane IN ('ready', 'arrived') AND losses = 0;
CREATE INDEX job_suspect ON {schema}.job (type_id, priority, seq) WHERE lane IN ('ready', 'arrived') AND losses > 0;
CREATE INDEX job_box ON {schema}.job (entity, seq) WHERE lane IN ('arrived', 'parked');
CREATE UNIQUE INDEX job_holder ON {schema}.job (entity) WHERE holds;
CREATE INDEX job_due ON {schema}.job (due_at) WHERE lane = 'scheduled';
CREATE INDEX job_running ON {schema}.job (writer_id) WHERE lane = 'processing';
CREATE INDEX job_stop ON {schema}.job (writer_id) WHERE lane = 'processing' AND cancel_at IS NOT NULL;
CREATE INDEX job_waiting ON {schema}.job (type_id, eligible_at) WHERE lane = 'ready';
CREATE INDEX job_entity ON {schema}.job (entity, key) WHERE entity IS NOT NULL;
CREATE INDEX job_batch ON {schema}.job (batch, key) WHERE batch IS NOT NULL;

-- Jobs that have ended, dead letters too: moved here in the transaction that ends them, so that `job` stays small.
CREATE TABLE {schema}.ended (LIKE {schema}.job);
ALTER TABLE {schema}.ended ADD PRIMARY KEY (key);
CREATE UNIQUE INDEX ended_id ON {schema}.ended (id);
CREATE INDEX ended_at ON {schema}.ended (ended_at) WHERE lane <> 'failed';
CREATE INDEX ended_dead ON {schema}.ended (key) WHERE lane = 'failed';
CREATE INDEX ended_entity ON {schema}.ended (entity, key) WHERE entity IS NOT NULL;
CREATE INDEX ended_batch ON {schema}.ended (batch, key) WHERE batch IS NOT NULL;

-- A lock for each entity that has a holder, and nothing else: inserted, locked, deleted last, never updated.
CREATE TABLE {schema}.mailbox (
    entity text COLLATE "C" PRIMARY KEY,
    k integer NOT NULL DEFAULT 1          -- how many jobs may hold it
);

CREATE TABLE {schema}.history (
    job_key bigint NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    at bigint NOT NULL,
    run integer NOT NULL,
    writer_id bigint,
    reason text,
    error text,
    micros bigint,
    PRIMARY KEY (job_key, version)
);

CREATE TABLE {schema}.dedupe (
    type_id integer NOT NULL,
    key text COLLATE "C" NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    until bigint NOT NULL,
    PRIMARY KEY (type_id, key)
);
CREATE INDEX dedupe_window ON {schema}.dedupe (until) WHERE until > 0;

CREATE TABLE {schema}.writer (
    writer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_no bigint NOT NULL DEFAULT 0,
    dead boolean NOT NULL DEFAULT false,
    kind text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    slots integer NOT NULL,
    types integer[] NOT NULL,
    lease bigint NOT NULL,                -- microseconds; 0: it holds no jobs
    started_at bigint NOT NULL,
    seen_at bigint NOT NULL,              -- its last batch
    died_at bigint
) WITH (fillfactor = 50);
CREATE INDEX writer_live ON {schema}.writer (writer_id) WHERE NOT dead;

-- Apart from the writer, whose row is locked while a batch is in flight.
CREATE TABLE {schema}.lease (
    writer_id bigint PRIMARY KEY,
    beat bigint NOT NULL DEFAULT 0,       -- renewals
    backend_pid integer,                  -- the connection that renews it; NULL behind a pooler
    backend_start timestamptz,
    given_up boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- Writer 0 is the base: what retired and dead writers have counted. A writer touches only its own rows.
CREATE TABLE {schema}.ledger (
    writer_id bigint NOT NULL,
    number integer NOT NULL,
    type_id integer NOT NULL,
    priority integer NOT NULL,
    cell integer NOT NULL,
    value numeric NOT NULL,
    PRIMARY KEY (writer_id, number, type_id, priority, cell)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Counts of transactions that own no ledger rows: the caller's own, a takeover, retention. Upkeep folds them.
CREATE TABLE {schema}.ledger_delta (
    delta_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number integer NOT NULL,
    type_id integer NOT NULL,
    priority integer NOT NULL,
    cell integer NOT NULL,
    value numeric NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE {schema}.user_series (
    number integer PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    labels text COLLATE "C" NOT NULL,
    UNIQUE (name, labels)
);

-- Gauges that upkeep writes, with the time at which it did.
CREATE TABLE {schema}.sample (
    name text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL,
    at bigint NOT NULL
);

-- When a job of each type last completed, by writer; the latest counts.
CREATE TABLE {schema}.last_completed (
    writer_id bigint NOT NULL,
    type_id integer NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (writer_id, type_id)
) WITH (fillfactor = 50);

-- History without Prometheus: the totals every 10 s for a day, and every 5 minutes for a month.
CREATE TABLE {schema}.total (
    step integer NOT NULL,
    at bigint NOT NULL,
    cells bytea NOT NULL,
    PRIMARY KEY (step, at)
);
