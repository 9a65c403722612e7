-- Wake-ups.

-- name: notify
-- There is something to do; the channel has the name of the schema, and the word says of which types, if that is known.
SELECT pg_notify($1, $2);
