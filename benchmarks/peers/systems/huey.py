"""Huey, with its consumer of two worker processes: on an SQLite file that is synced at each commit, or on Redis.

``fsync=True`` of ``SqliteHuey`` is ``PRAGMA synchronous=2``, which is FULL; without it SQLite's own default holds.
"""

from __future__ import annotations

import importlib
import os

from benchmarks.peers.contract import URL, Peer
from benchmarks.peers.marks import mark

_huey = importlib.import_module("huey")
_url = os.environ[URL]
_on_redis = _url.startswith("redis:")
app = _huey.RedisHuey("peers", url=_url) if _on_redis else _huey.SqliteHuey("peers", filename=_url, fsync=True)


def noop(number: int) -> None:
    mark(number)


_noop = app.task()(noop)


class System(Peer):
    """It has no call that submits many jobs."""

    batches = False

    async def prepare(self) -> None:
        """The tables are made with the instance."""

    async def open(self) -> None:
        """It connects when it is used."""

    async def close(self) -> None:
        """Its connections are kept until the process ends."""

    async def submit(self, number: int) -> None:
        _noop(number)

    async def left(self) -> int:
        return int(app.pending_count())

    def commands(self) -> list[list[str]]:
        return [["-m", "huey.bin.huey_consumer", f"{__name__}.app", "-k", "process", "-w", "2", "-q"]]
