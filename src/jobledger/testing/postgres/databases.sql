-- name: create
-- A fresh database: empty, or a copy of another one.
CREATE DATABASE "{database}" TEMPLATE "{template}";

-- name: create_by_files
-- The same in half the time where nothing is synced; where it is, its two checkpoints cost more.
CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY FILE_COPY;

-- name: close
-- Nobody may connect to a template any more: an open connection would forbid its copying.
ALTER DATABASE "{database}" WITH ALLOW_CONNECTIONS false;

-- name: drop
-- A database and the connections to it.
DROP DATABASE IF EXISTS "{database}" WITH (FORCE);

-- name: version
-- The server's version as one number.
SHOW server_version_num;
