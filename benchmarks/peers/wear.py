"""What jobs leave behind in a PostgreSQL: bytes of write-ahead log, and dead versions of rows."""

from __future__ import annotations

from typing import NamedTuple

import asyncpg

_LOG = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
_ROWS = """
SELECT coalesce(sum(n_tup_upd + n_tup_del), 0)::int8 AS made, coalesce(sum(n_dead_tup), 0)::int8 AS dead
FROM pg_stat_user_tables
"""


class Wear(NamedTuple):
    """Since the server, or the database, was made.

    Attributes:
        log: bytes of write-ahead log, of the whole server.
        made: dead row versions; each update makes one, and each delete.
        left: those of them that nobody has removed yet, as far as PostgreSQL knows.
    """

    log: float
    made: float
    left: float

    def minus(self, other: Wear) -> Wear:
        return Wear(self.log - other.log, self.made - other.made, self.left - other.left)


class Meter:
    """Looks at one database, by a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def wear(self) -> Wear:
        """Until now. Rows are counted completely only once the connections that changed them are closed."""
        connection = await asyncpg.connect(self._url)
        try:
            log, rows = await connection.fetchval(_LOG), await connection.fetchrow(_ROWS)
        finally:
            await connection.close()
        assert rows is not None
        return Wear(float(log), float(rows["made"]), float(rows["dead"]))

    async def checkpoint(self) -> None:
        """All start with the same debt: the first change of a page after a checkpoint writes the page to the log."""
        await self._execute("CHECKPOINT")

    async def analyze(self) -> None:
        """What autovacuum would have done long ago in a database that is in use: without it, plans are blind."""
        await self._execute("ANALYZE")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
