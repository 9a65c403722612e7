-- The books: jobs, their history, the writers and the ledger.

CREATE TABLE book (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,          -- the last store-wide number drawn: orders and fences
    now INTEGER NOT NULL,             -- the store's clock as last used; it never goes back
    boundaries TEXT NOT NULL          -- JSON array of seconds, fixed for this database
) STRICT;

CREATE TABLE type (
    type_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    priority INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    max_losses INTEGER NOT NULL,
    timeout INTEGER
) STRICT;

-- The columns are the fields of jobledger._core.job.Job, in their order; the payload comes last.
CREATE TABLE job (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    type_id INTEGER NOT NULL REFERENCES type,
    entity TEXT,
    priority INTEGER NOT NULL,
    lane TEXT NOT NULL,
    holds INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    eligible_at INTEGER,
    origin_at INTEGER NOT NULL,
    run INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    max_losses INTEGER NOT NULL,
    timeout INTEGER,
    dedupe TEXT,
    dedupe_until INTEGER NOT NULL,
    batch TEXT,
    trace TEXT,
    writer_id INTEGER,
    fence INTEGER NOT NULL,
    started_at INTEGER,
    cancel_at INTEGER,
    ended_at INTEGER,
    reason TEXT,
    error TEXT,
    result BLOB,
    progress TEXT,
    version INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;

CREATE INDEX job_claim ON job (type_id, priority, seq) WHERE lane = 'ready' AND losses = 0;
CREATE INDEX job_suspect ON job (type_id, priority, seq) WHERE lane = 'ready' AND losses > 0;
CREATE INDEX job_box ON job (entity, seq) WHERE lane = 'parked';
CREATE UNIQUE INDEX job_holder ON job (entity) WHERE holds = 1;
CREATE INDEX job_due ON job (due_at) WHERE lane = 'scheduled';
CREATE INDEX job_running ON job (type_id, started_at, timeout, writer_id) WHERE lane = 'processing';
CREATE INDEX job_stop ON job (writer_id) WHERE lane = 'processing' AND cancel_at IS NOT NULL;
CREATE INDEX job_waiting ON job (type_id, eligible_at) WHERE lane = 'ready';
CREATE INDEX job_dead ON job (key) WHERE lane = 'failed';
-- Not `lane IN (…)`: that builds its list anew for each row that any UPDATE touches, a sixth of the work of a commit.
CREATE INDEX job_ended ON job (ended_at) WHERE ended_at IS NOT NULL AND lane <> 'failed';
CREATE INDEX job_entity ON job (entity, key) WHERE entity IS NOT NULL;
CREATE INDEX job_batch ON job (batch, key) WHERE batch IS NOT NULL;

-- The same row without its payload: what a decision needs.
CREATE VIEW job_row AS SELECT
    key, id, seq, type_id, entity, priority, lane, holds, submitted_at, due_at, eligible_at, origin_at, run, failures,
    losses, max_attempts, max_losses, timeout, dedupe, dedupe_until, batch, trace, writer_id, fence, started_at,
    cancel_at, ended_at, reason, error, result, progress, version
FROM job;

CREATE TABLE history (
    job_key INTEGER NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    run INTEGER NOT NULL,
    writer_id INTEGER,
    reason TEXT,
    error TEXT,
    micros INTEGER,
    PRIMARY KEY (job_key, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE dedupe (
    type_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    job_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (type_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX dedupe_window ON dedupe (until) WHERE until > 0;

CREATE TABLE writer (
    writer_id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_no INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    died_at INTEGER
) STRICT;

CREATE TABLE writer_type (
    writer_id INTEGER NOT NULL,
    type_id INTEGER NOT NULL,
    PRIMARY KEY (writer_id, type_id)
) STRICT, WITHOUT ROWID;

-- Writer 0 is the base: what retired and dead writers have counted.
CREATE TABLE ledger (
    writer_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    type_id INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    cell INTEGER NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (writer_id, number, type_id, priority, cell)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_series (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    labels TEXT NOT NULL,
    UNIQUE (name, labels)
) STRICT;

-- Gauges that upkeep writes, with the time at which it did.
CREATE TABLE sample (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a job of each type last completed; kept apart so that it survives pruning.
CREATE TABLE last_completed (
    type_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
