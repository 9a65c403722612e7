"""Procrastinate with two processes of ``procrastinate worker``, 30 jobs at once in each, as its guide shows it."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

from benchmarks.peers.contract import URL, OnPostgres
from benchmarks.peers.marks import mark

if TYPE_CHECKING:
    from collections.abc import Sequence

_procrastinate = importlib.import_module("procrastinate")
app = _procrastinate.App(connector=_procrastinate.PsycopgConnector(conninfo=os.environ[URL]))


async def noop(number: int) -> None:
    mark(number)


_noop = app.task(name="noop")(noop)


class System(OnPostgres):
    unfinished = "SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'"

    async def prepare(self) -> None:
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    async def open(self) -> None:
        await super().open()
        await app.open_async()

    async def close(self) -> None:
        await app.close_async()
        await super().close()

    async def submit(self, number: int) -> None:
        await _noop.defer_async(number=number)

    async def submit_many(self, numbers: Sequence[int]) -> None:
        await _noop.batch_defer_async(*({"number": number} for number in numbers))

    def commands(self) -> list[list[str]]:
        arguments = ["--log-level", "warning", "--app", f"{__name__}.app"]
        return [["-m", "procrastinate", *arguments, "worker", "--concurrency", "30"]] * 2
