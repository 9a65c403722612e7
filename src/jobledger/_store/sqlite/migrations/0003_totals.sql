-- History without Prometheus: the totals every 10 s for a day, and every 5 minutes for a month.

CREATE TABLE total (
    step INTEGER NOT NULL,            -- seconds between samples of this kind
    at INTEGER NOT NULL,
    cells BLOB NOT NULL               -- compressed; a fine sample holds what has changed since the coarse one before it
) STRICT;

CREATE UNIQUE INDEX total_at ON total (step, at);
