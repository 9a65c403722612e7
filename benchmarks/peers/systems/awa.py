"""Awa for Python with two worker processes, 50 jobs at once in each, the default of its queues.

Queue storage is what a fresh installation uses. The older tables, "canonical", stay in use where they hold a job when
the first worker starts.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from benchmarks.peers.contract import URL, OnPostgres
from benchmarks.peers.marks import mark

if TYPE_CHECKING:
    from collections.abc import Sequence

_awa = importlib.import_module("awa")
QUEUE_STORAGE = "queue storage"
_LEFT = "SELECT count(*) FROM awa.jobs WHERE state <> 'completed'"
_LEFT_IN_QUEUE_STORAGE = """
SELECT (SELECT count(*) FROM awa.ready_entries)
     - (SELECT coalesce(sum(completed_count), 0) FROM awa.receipt_completion_batches)
     - (SELECT count(*) FROM awa.done_entries)
"""
"""As `awa.jobs` tells it, which takes seconds here: it puts the rows of all rings together."""


@dataclass
class Noop:
    number: int


class _Job(Protocol):
    args: Noop


async def noop(job: _Job) -> None:
    mark(job.args.number)


async def work() -> None:
    client, ended = _awa.AsyncClient(os.environ[URL]), asyncio.Event()
    client.task(Noop)(noop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await client.start([("default", 50)])
    await ended.wait()
    await client.shutdown()
    await client.close()


class System(OnPostgres):
    """The variant is the storage."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.unfinished = _LEFT_IN_QUEUE_STORAGE if variant == QUEUE_STORAGE else _LEFT

    async def prepare(self) -> None:
        client = _awa.AsyncClient(self.store)
        await client.migrate()
        if self.variant == QUEUE_STORAGE:
            await client.install_queue_storage()
        await client.close()

    async def open(self) -> None:
        await super().open()
        self._client = _awa.AsyncClient(self.store)

    async def close(self) -> None:
        await self._client.close()
        await super().close()

    async def submit(self, number: int) -> None:
        await self._client.insert(Noop(number))

    async def submit_many(self, numbers: Sequence[int]) -> None:
        jobs = [Noop(number) for number in numbers]
        if self.variant == QUEUE_STORAGE:
            await self._client.enqueue_many_copy(jobs)
        else:
            await self._client.insert_many_copy(jobs)

    def commands(self) -> list[list[str]]:
        return [["-m", __name__]] * 2


if __name__ == "__main__":
    asyncio.run(work())
