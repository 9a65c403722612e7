"""Taskiq on a Redis list, with the two worker processes that its command line starts by default."""

from __future__ import annotations

import importlib
import os

from benchmarks.peers.contract import URL, Peer
from benchmarks.peers.marks import mark

_redis = importlib.import_module("redis")
broker = importlib.import_module("taskiq_redis").ListQueueBroker(os.environ[URL])


async def noop(number: int) -> None:
    mark(number)


_noop = broker.task(noop)


class System(Peer):
    """It has no call that submits many jobs."""

    batches = False

    async def prepare(self) -> None:
        """There is nothing to make."""

    async def open(self) -> None:
        await broker.startup()

    async def close(self) -> None:
        await broker.shutdown()

    async def submit(self, number: int) -> None:
        await _noop.kiq(number)

    async def left(self) -> int:
        with _redis.Redis.from_url(self.store) as client:
            return int(client.llen(broker.queue_name))

    def commands(self) -> list[list[str]]:
        return [["-m", "taskiq", "worker", f"{__name__}:broker", "--log-level", "WARNING"]]
