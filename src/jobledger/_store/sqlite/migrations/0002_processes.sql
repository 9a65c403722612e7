-- Several processes on one file: how long a silent worker is trusted, and where it listens.

ALTER TABLE writer ADD COLUMN lease INTEGER NOT NULL DEFAULT 0;   -- microseconds; 0: it holds no jobs
ALTER TABLE writer ADD COLUMN wake TEXT;                          -- the name of its socket

CREATE INDEX writer_live ON writer (writer_id) WHERE NOT dead;
