"""jobledger itself, by the same measure: ``jobledger worker``, 100 slots a process, on SQLite or PostgreSQL."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from benchmarks.peers.contract import URL, Peer
from benchmarks.peers.marks import mark
from jobledger import App

if TYPE_CHECKING:
    from collections.abc import Sequence

app = App(os.environ[URL], migrate=True)
logging.getLogger("jobledger.outcome").setLevel(logging.WARNING)  # as all peers' workers: no line for each job


@app.job("noop")
async def noop(number: int) -> None:
    mark(number)


class System(Peer):
    """The variant is the number of worker processes, and how many slots each has, if not the default."""

    async def prepare(self) -> None:
        async with app:
            pass

    async def open(self) -> None:
        await app.__aenter__()

    async def close(self) -> None:
        await app.__aexit__(None, None, None)

    async def submit(self, number: int) -> None:
        await app.jobs.submit("noop", {"number": number})

    async def submit_many(self, numbers: Sequence[int]) -> None:
        await app.jobs.submit("noop", [{"number": number} for number in numbers])

    async def left(self) -> int:
        jobs = app.metrics.jobs
        return int(await jobs.enqueued.read(type="noop") - await jobs.completions.read(type="noop"))

    def commands(self) -> list[list[str]]:
        processes, _, slots = self.variant.partition("x")
        options = [] if processes == "1" else ["--processes", processes]
        options += ["--slots", slots] if slots else []
        return [["-m", "jobledger", "worker", f"{__name__}:app", *options]]

    async def check(self) -> None:
        assert (await app.metrics.audit()).balanced, "the books do not balance"
