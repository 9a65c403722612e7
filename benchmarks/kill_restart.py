"""From the kill of a worker to its jobs running elsewhere: ``python benchmarks/kill_restart.py --help``."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    # As in run.py: this folder's parent comes first, so that `benchmarks` is a package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks import disk
from benchmarks.bench import Bench
from benchmarks.measure import Benchmark, Line, Numbers, Outcome, percentile
from benchmarks.processes import Program
from benchmarks.table import show
from jobledger import App
from jobledger._store.postgres.vitality import OLD_SECONDS
from jobledger.testing.postgres import Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self

HELD = 8
"""Jobs that hold on, over both workers, when one of them is killed."""
PATIENCE = 30.0
SHARES = {"median": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
KILL, KILL_BESIDE, STOP = "kill", "kill, a forked child lives on", "stop"


class Start(NamedTuple):
    job: str
    pid: int
    at: int


class Ring:
    """Two workers on one store; whoever is killed is started again.

    Args:
        app: a client of the store.
        folder: where the workers write down what they start.
        forks: each leaves a child behind that lives on.
        lease: seconds.
        spared: further workers, which are never hit: on PostgreSQL only one that is older than ten seconds may take the
            end of a connection for a death.
    """

    def __init__(self, app: App, folder: Path, *, forks: bool, lease: float, spared: int = 0) -> None:
        self._app = app
        self._spared = spared
        self._folder = folder
        self._arguments = (app.url, folder, lease, *(["fork"] if forks else []))
        self._workers: list[Program] = []
        self._chance = random.Random(1)

    async def __aenter__(self) -> Self:
        self._workers = [Program("holding", *self._arguments) for _ in range(2 + self._spared)]
        for worker in self._workers:
            await asyncio.to_thread(worker.ready)
        if self._spared:
            await asyncio.sleep(OLD_SECONDS + 1)
        return self

    async def __aexit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.kill()
            worker.end()
        self._end_children()

    async def hit(self, *, stops: bool) -> list[float]:
        """Kill or stop the worker that holds most: seconds until each of its jobs has started elsewhere."""
        await self._fill()
        await asyncio.sleep(self._chance.random())  # at any moment of the second between two looks
        held = self._held()
        victim = max(self._workers[self._spared :], key=lambda worker: len(held.get(worker.pid, ())))
        jobs = held[victim.pid]
        began = time.monotonic_ns()
        (victim.stop if stops else victim.kill)()
        await self._until(lambda: jobs <= {start.job for start in self._starts() if start.at > began})
        again = {start.job: start.at for start in reversed(self._starts()) if start.at > began}
        victim.kill()
        victim.end()
        self._end_children()
        place = self._workers.index(victim)
        self._workers[place] = Program("holding", *self._arguments)
        await asyncio.to_thread(self._workers[place].ready)
        return [(again[job] - began) / 1e9 for job in jobs]

    async def _fill(self) -> None:
        """New jobs go to whoever looks first, and those of the spared are never freed."""
        while missing := HELD - self._held_by_victims():
            before = len(self._starts())
            for _ in range(missing):
                await self._app.jobs.submit("hold")
            await self._until(partial(self._has_started, before + missing))

    def _has_started(self, number: int) -> bool:
        return len(self._starts()) == number

    def _held_by_victims(self) -> int:
        held = self._held()
        return sum(len(held.get(worker.pid, ())) for worker in self._workers[self._spared :])

    def _starts(self) -> list[Start]:
        path = self._folder / "starts"
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        return [Start(job, int(pid), int(at)) for job, pid, at in (line.split() for line in lines)]

    def _held(self) -> dict[int, set[str]]:
        """By pid: jobs that have started once."""
        starts = self._starts()
        often = Counter(start.job for start in starts)
        once = [start for start in starts if often[start.job] == 1]
        return {pid: {start.job for start in once if start.pid == pid} for pid in {start.pid for start in once}}

    async def _until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s"
            await asyncio.sleep(0.005)

    def _end_children(self) -> None:
        for path in self._folder.glob("child-*"):
            os.kill(int(path.name.removeprefix("child-")), signal.SIGKILL)
            path.unlink()


async def measured(bench: Bench, kills: int, stops: int, lease: float, server: Server | None) -> Numbers:
    """Each variant on a file, or in a database, of its own."""
    numbers: Numbers = {}
    for variant, hits in ((KILL, kills), (KILL_BESIDE, kills), (STOP, stops)):
        folder = bench.path().with_suffix("")
        folder.mkdir()
        taken: list[float] = []
        with server.database() if server else nullcontext(f"sqlite:///{folder}/jobs.db") as url:
            app = App(url, migrate=True)
            async with app:
                await app.declare("hold")
                spared = 1 if server else 0
                async with Ring(app, folder, forks=variant == KILL_BESIDE, lease=lease, spared=spared) as ring:
                    for _ in range(hits):
                        taken += await ring.hit(stops=variant == STOP)
                await bench.audit(app)
        numbers |= {_name(variant, label): percentile(taken, share) for label, share in SHARES.items() if taken}
        numbers[_name(variant, "jobs")] = len(taken)
    return numbers


def _name(variant: str, label: str) -> str:
    return f"{variant}: {label}"


def main() -> int:
    """1 if books did not balance."""
    parser = argparse.ArgumentParser(prog="benchmarks/kill_restart.py", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="of each variant")
    parser.add_argument("--stops", type=int, default=5, help="with SIGSTOP, seen by the lease alone")
    parser.add_argument("--url", help="a PostgreSQL server, in which databases are made; else SQLite files")
    parser.add_argument("--lease", type=float, default=10.0, help="seconds")
    parser.add_argument("--directory", type=Path, help="where the files go; it should be on a disk")
    asked = parser.parse_args()
    lines = [
        line
        for variant in (KILL, KILL_BESIDE, STOP)
        for line in (*(Line(_name(variant, label), "s") for label in SHARES), Line(_name(variant, "jobs"), ""))
    ]
    about = (
        f"two workers with {HELD} jobs between them; one is killed {asked.kills} times, or stopped {asked.stops} times"
    )

    server = Server(asked.url) if asked.url else None

    def once(bench: Bench) -> Awaitable[Numbers]:
        return measured(bench, asked.kills, asked.stops, asked.lease, server)

    benchmark = Benchmark("kill to restart", about, tuple(lines), once)
    began = time.monotonic()
    place = asked.directory or disk.on_disk()
    with tempfile.TemporaryDirectory(prefix="jobledger-bench-", dir=place) as folder:
        bench = Bench(Path(folder))
        numbers = asyncio.run(measured(bench, asked.kills, asked.stops, asked.lease, server))
    outcome = Outcome(benchmark, [numbers], bench.findings, bench.audits, time.monotonic() - began)
    show(outcome)
    return 0 if outcome.books == "balanced" else 1


if __name__ == "__main__":
    sys.exit(main())
