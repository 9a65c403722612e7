"""What every benchmark needs: fresh files, a count of what ran, and an audit at the end."""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from jobledger import App, Item

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path
    from typing import Self

    from jobledger import JobId
    from jobledger.testing.postgres import Server

CHUNK = 1000
Payload: TypeAlias = dict[str, object] | Item


@dataclass
class Bench:
    """One run of one benchmark: its sizes, its files, and what the audits of its files found.

    Attributes:
        quick: small sizes; ``full``: also the sizes that take minutes.
        server: a PostgreSQL to measure; None measures SQLite.
    """

    directory: Path
    quick: bool = False
    full: bool = False
    server: Server | None = None
    findings: int = 0
    audits: int = 0
    _files: int = 0

    def size(self, usual: int, quick: int) -> int:
        return quick if self.quick else usual

    def path(self) -> Path:
        """A file that is not there yet."""
        self._files += 1
        return self.directory / f"{self._files}.db"

    def url(self) -> str:
        """A fresh store. ``durability=power``, the default, is said: it is what is measured."""
        if self.server is not None:
            return self.server.url(self.server.create_database())
        return f"sqlite:///{self.path()}?durability=power"

    def app(self) -> App:
        """An App on a fresh store."""
        return self.opened(self.url())

    def opened(self, url: str) -> App:
        """An App on a store, which is made if need be."""
        return App(url, migrate=True)

    async def audit(self, app: App) -> None:
        """Check that the books of an open App balance."""
        self.judge((await app.metrics.audit()).findings)

    def judge(self, findings: int) -> None:
        """Count an audit that was run elsewhere."""
        self.audits += 1
        self.findings += findings


class Speed(NamedTuple):
    """How fast jobs went through; on a machine with other work the second number varies less.

    Attributes:
        rate: jobs per second.
        cpu: microseconds of this process's CPU time per job.
    """

    rate: float
    cpu: float


class Stopwatch:
    """Wall and CPU time over several stretches."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self._began = (0.0, 0.0)

    def __enter__(self) -> Self:
        self._began = (perf_counter(), process_time())
        return self

    def __exit__(self, *error: object) -> None:
        self.wall += perf_counter() - self._began[0]
        self.cpu += process_time() - self._began[1]

    def speed(self, jobs: int) -> Speed:
        return Speed(jobs / self.wall, self.cpu / jobs * 1_000_000)


class Tally:
    """Counts calls of handlers, from the loop and from threads, and says when there were enough."""

    def __init__(self, wanted: int) -> None:
        """Inside a running loop."""
        self.enough = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._wanted = wanted
        self._next = itertools.count(1)
        self.count = 0

    def hit(self) -> None:
        self.count = next(self._next)
        if self.count == self._wanted:
            self._loop.call_soon_threadsafe(self.enough.set)


async def fill(app: App, type_name: str, payloads: Sequence[Payload], **options: Any) -> list[JobId]:  # noqa: ANN401 - as submit
    """Submit many jobs, a thousand a batch."""
    ids: list[JobId] = []
    for start in range(0, len(payloads), CHUNK):
        ids += await app.jobs.submit(type_name, list(payloads[start : start + CHUNK]), **options)
    return ids


async def drain(
    bench: Bench,
    payloads: Sequence[Payload],
    *,
    slots: int = 100,
    threads: int | None = None,
    plain: bool = False,
    work: float = 0.0,
) -> Speed:
    """Drain a full queue: from the start of a worker until its last result is committed.

    Args:
        bench: for the file and its audit.
        payloads: one per job; the handler takes ``i``.
        slots: ``async def`` handlers at once.
        threads: ``def`` handlers at once.
        plain: a ``def`` handler, in threads.
        work: seconds that an ``async def`` handler awaits on average: all at once would move in lockstep.
    """
    app, tally, watch = bench.app(), Tally(len(payloads)), Stopwatch()
    app.job("noop")(_plain(tally) if plain else _async(tally, work))
    async with app:
        await fill(app, "noop", payloads)
        with watch:
            async with app.worker(slots=slots, threads=threads):
                await tally.enough.wait()
        await bench.audit(app)
    assert tally.count == len(payloads)
    return watch.speed(len(payloads))


def _async(tally: Tally, work: float) -> Callable[..., Any]:
    async def noop(i: int = 0) -> int:
        if work:
            await asyncio.sleep(work * random.uniform(0.5, 1.5))
        tally.hit()
        return i

    return noop


def _plain(tally: Tally) -> Callable[..., Any]:
    def noop(i: int = 0) -> int:
        tally.hit()
        return i

    return noop


def payloads(number: int) -> list[Payload]:
    """Small payloads, all different."""
    return [{"i": i} for i in range(number)]


async def milliseconds(read: Callable[[], Awaitable[object]], times: int = 5) -> float:
    """The median of several reads."""
    taken: list[float] = []
    for _ in range(times):
        began = perf_counter()
        await read()
        taken.append(perf_counter() - began)
    return statistics.median(taken) * 1000
