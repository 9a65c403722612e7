"""The same server without jobledger: bare asyncpg on one connection, every commit synced, hardly an index."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Self

import asyncpg
import uuid_utils

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement

_SCHEMA = """
CREATE TABLE job (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
    state integer NOT NULL, payload bytea NOT NULL
);
CREATE INDEX job_ready ON job (key) WHERE state = 0;
"""
_INSERT = "INSERT INTO job (id, state, payload) VALUES ($1, 0, $2)"
_COMPLETE = "UPDATE job SET state = 2 WHERE key = ANY ($1)"
_CLAIM = """
UPDATE job SET state = 1
WHERE key = ANY (array(SELECT key FROM job WHERE state = 0 ORDER BY key LIMIT $1 FOR UPDATE SKIP LOCKED))
RETURNING key, id, payload
"""


class RawPostgres:
    """A table of jobs, and nothing else."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Made by :meth:`opened`."""
        self._connection = connection

    @classmethod
    async def opened(cls, url: str) -> Self:
        """In an empty database."""
        connection = await asyncpg.connect(url)
        await connection.execute(_SCHEMA)
        return cls(connection)

    async def insert(self, rows: int) -> float:
        """Insert rows one by one, each in a transaction of its own; rows per second."""
        statement = await self._connection.prepare(_INSERT)
        began = perf_counter()
        for _ in range(rows):
            await statement.fetch(*_row())
        return rows / (perf_counter() - began)

    async def copy(self, rows: int, batch: int) -> float:
        """The same, many a transaction, in the fastest way that there is."""
        began = perf_counter()
        for _ in range(0, rows, batch):
            made = [(job_id, 0, payload) for job_id, payload in (_row() for _ in range(batch))]
            await self._connection.copy_records_to_table("job", records=made, columns=["id", "state", "payload"])
        return rows / (perf_counter() - began)

    async def drain(self, batch: int) -> float:
        """Complete a batch and claim the next, in one transaction, until nothing is left; rows per second."""
        complete = await self._connection.prepare(_COMPLETE)
        claim: PreparedStatement[asyncpg.Record] = await self._connection.prepare(_CLAIM)
        done, running = 0, list[int]()
        began = perf_counter()
        while True:
            async with self._connection.transaction():
                await complete.fetch(running)
                done += len(running)
                running = [row["key"] for row in await claim.fetch(batch)]
            if not running:
                return done / (perf_counter() - began)

    async def close(self) -> None:
        await self._connection.close()


def _row() -> tuple[str, bytes]:
    return str(uuid_utils.uuid7()), b'{"i":0}'
