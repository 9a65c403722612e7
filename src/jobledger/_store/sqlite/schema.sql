-- What is asked of a file before it is trusted.

-- name: count_tables
-- How many tables there are: none in a fresh file.
SELECT count(*) FROM sqlite_master;
