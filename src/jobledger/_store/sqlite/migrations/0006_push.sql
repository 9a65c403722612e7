-- Pushed metrics: which store they are of, since when it has counted, and whose turn it is to push them.

ALTER TABLE book ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE book ADD COLUMN began_at INTEGER NOT NULL DEFAULT 0;

-- An older store says as early as it still knows.
UPDATE book SET id = lower(hex(randomblob(16))), began_at = min(
    CAST(unixepoch('subsec') * 1000000 AS INTEGER),
    coalesce((SELECT submitted_at FROM job ORDER BY key LIMIT 1), 9000000000000000),
    coalesce((SELECT min(started_at) FROM writer), 9000000000000000),
    coalesce((SELECT min(at) FROM total), 9000000000000000)
);

CREATE TABLE push (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL,              -- when the interval began that was last taken
    writer_id INTEGER NOT NULL        -- by whom
) STRICT;
