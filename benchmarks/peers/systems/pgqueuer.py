"""PgQueuer with two worker processes, its tables vacuumed as ``pgq autovac`` sets it; durable, which is its default.

``pgqueuer.run`` is ``pgq run`` without its command line, which fails beside the newest typer; uvloop as there.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import asyncpg

from benchmarks.peers.contract import URL, OnPostgres
from benchmarks.peers.marks import mark

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

_pgqueuer = importlib.import_module("pgqueuer")
_drivers = importlib.import_module("pgqueuer.db")
_queries = importlib.import_module("pgqueuer.queries")


class _Job(Protocol):
    payload: bytes


async def noop(job: _Job) -> None:
    mark(int(job.payload))


@asynccontextmanager
async def manager() -> AsyncGenerator[object]:
    """What a worker runs, on one connection, as the guide asks for."""
    connection = await asyncpg.connect(os.environ[URL])
    try:
        made = _pgqueuer.PgQueuer(_drivers.AsyncpgDriver(connection))
        made.entrypoint("noop", accepts_context=False)(noop)
        yield made
    finally:
        await connection.close()


class System(OnPostgres):
    """The variant is the batch size: 10 is the default; its guide says to raise it where jobs are short."""

    unfinished = "SELECT count(*) FROM pgqueuer"

    async def prepare(self) -> None:
        await self.open()
        await self._queries.install()
        await self._queries.optimize_autovacuum()
        await self.close()

    async def open(self) -> None:
        await super().open()
        self._queries = _queries.Queries(_drivers.AsyncpgDriver(self._connection))

    async def submit(self, number: int) -> None:
        await self._queries.enqueue("noop", b"%d" % number)

    async def submit_many(self, numbers: Sequence[int]) -> None:
        many = len(numbers)
        await self._queries.enqueue(["noop"] * many, [b"%d" % number for number in numbers], [0] * many)

    def commands(self) -> list[list[str]]:
        return [["-m", __name__, self.variant]] * 2


if __name__ == "__main__":
    importlib.import_module("uvloop").run(_pgqueuer.run(manager, batch_size=int(sys.argv[1])))
