"""Oban for Python with two processes of ``oban start``, ten jobs at once in each, as its documentation shows it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from benchmarks.peers.contract import OnPostgres
from benchmarks.peers.marks import mark

if TYPE_CHECKING:
    from collections.abc import Sequence

_oban = importlib.import_module("oban")
_schema = importlib.import_module("oban.schema")


async def noop(number: int) -> None:
    mark(number)


_noop = _oban.job()(noop)


class System(OnPostgres):
    unfinished = "SELECT count(*) FROM oban_jobs WHERE state <> 'completed'"

    async def prepare(self) -> None:
        pool = await _oban.Oban.create_pool(self.store)
        await _schema.install(pool)
        await pool.close()

    async def open(self) -> None:
        await super().open()
        self._pool = await _oban.Oban.create_pool(self.store)
        self._client = await _oban.Oban(pool=self._pool).start()

    async def close(self) -> None:
        await self._client.stop()
        await self._pool.close()
        await super().close()

    async def submit(self, number: int) -> None:
        await self._client.enqueue(_noop.new(number))

    async def submit_many(self, numbers: Sequence[int]) -> None:
        await self._client.enqueue_many([_noop.new(number) for number in numbers])

    def commands(self) -> list[list[str]]:
        arguments = ["--dsn", self.store, "--queues", "default:10", "--log-level", "WARNING"]
        # Without its modules named, it looks through the working directory for them.
        return [["-m", "oban", "start", *arguments, "--cron-modules", __name__]] * 2
