-- What is asked of a file before it is trusted.

-- name: identity
-- The schema version, whose file it is, and how many tables there are: none in a fresh file. One statement, so one
-- snapshot: another process may be making the store at this moment.
SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)
FROM pragma_user_version, pragma_application_id;

-- name: schema
-- The number of the file's schema.
PRAGMA user_version;

-- name: writers
-- Who has not been fenced; in every schema.
SELECT writer_id FROM writer WHERE NOT dead;
