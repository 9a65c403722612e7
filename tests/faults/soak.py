"""``python -m tests.faults.soak``: full speed for a while; memory, log and tables must not grow. See docs/faults.md."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from jobledger import App
from jobledger.testing import postgres as servers
from tests.faults.chaos.pause import pause
from tests.faults.program import started
from tests.own_postgres.rows import connected

if TYPE_CHECKING:
    from collections.abc import Generator

MIB: Final = 1024 * 1024
RETENTION_SECONDS: Final = 30.0
"""Ended jobs are kept so long, and looked for once a minute: after two minutes as many go as come."""
WORKERS: Final = 2
BACKLOG: Final = 2_000
BATCH: Final = 500
GROWTH: Final = 1.3
SLACK: Final = 8.0
"""Of the largest value in the last third of a run to that in the middle third; and so many MiB more."""
TABLES: Final = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'jobledger' AND c.relkind = 'r'
"""
LOG: Final = "SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()"


class Sample(NamedTuple):
    """What is seen at one moment.

    Attributes:
        at: seconds since the begin.
        done: jobs that are complete, so far.
        workers: the largest resident memory of a worker, MiB; ``submitter``: of this process.
        log: MiB; ``tables``: all of them, with their indexes.
    """

    at: float
    done: int
    workers: float
    submitter: float
    log: float
    tables: float


class Place(NamedTuple):
    """A store, and how large it is: log and tables, in bytes."""

    url: str
    size: Callable[[], Awaitable[tuple[int, int]]]


@contextmanager
def file() -> Generator[Place]:
    with tempfile.TemporaryDirectory(prefix="jobledger-soak-") as folder:
        path = Path(folder) / "jobs.db"
        log = path.with_name("jobs.db-wal")

        async def size() -> tuple[int, int]:
            return (log.stat().st_size if log.exists() else 0), path.stat().st_size

        yield Place(f"sqlite:///{path}", size)


@contextmanager
def server() -> Generator[Place]:
    with servers.start(settings={"max_wal_size": "512MB"}, durable=True) as own, own.database() as url:

        async def size() -> tuple[int, int]:
            async with connected(url) as connection:
                return int(await connection.fetchval(LOG)), int(await connection.fetchval(TABLES))

        yield Place(url, size)


async def soak(place: Place, seconds: float, every: float) -> list[Sample]:
    """Keep the backlog filled, and look every few seconds."""
    samples: list[Sample] = []
    async with App(place.url, migrate=True) as app:
        await app.declare("soak")
        words = place.url, RETENTION_SECONDS
        workers = [started("tests.faults.programs.soaking", *words) for _ in range(WORKERS)]
        try:
            began = time.monotonic()
            filling = asyncio.ensure_future(_fill(app))
            while (at := time.monotonic() - began) < seconds:
                await pause(min(every, seconds - at))
                filling.done() and filling.result()
                assert [worker.poll() for worker in workers] == [None] * WORKERS, "a worker has ended"
                log, tables = await place.size()
                done = await app.metrics.jobs.completions.read()
                largest = max(_resident(worker.pid) for worker in workers)
                found = (largest, _resident("self"), log / MIB, tables / MIB)
                samples.append(Sample(time.monotonic() - began, int(done), *found))
                _say(samples)
            filling.cancel()
            await asyncio.wait([filling])
        finally:
            for worker in workers:
                worker.terminate()
            codes = [worker.wait(60) for worker in workers]
        assert codes == [0] * WORKERS, codes
        assert (await app.metrics.audit()).balanced
    return samples


async def _fill(app: App) -> None:
    number = 0
    while True:
        if await app.metrics.jobs.queue_depth.read() < BACKLOG:
            await app.jobs.submit("soak", [{"n": number + one} for one in range(BATCH)])
            number += BATCH
        else:
            await pause(0.02)


def _resident(pid: int | str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def _say(samples: list[Sample]) -> None:
    if len(samples) == 1:
        sys.stdout.write(
            f"{'s':>6}{'jobs':>12}{'jobs/s':>8}{'worker':>9}{'submitter':>11}{'log':>9}{'tables':>9}  MiB\n"
        )
    now, before = samples[-1], samples[-2] if len(samples) > 1 else Sample(0, 0, 0, 0, 0, 0)
    rate = (now.done - before.done) / max(now.at - before.at, 0.001)
    sys.stdout.write(
        f"{now.at:>6.0f}{now.done:>12,}{rate:>8,.0f}{now.workers:>9.1f}{now.submitter:>11.1f}"
        f"{now.log:>9.1f}{now.tables:>9.1f}\n"
    )
    sys.stdout.flush()


def grown(samples: list[Sample]) -> list[str]:
    """What is larger in the last third than it was in the middle one."""
    third = len(samples) // 3
    found: list[str] = []
    for name in ("workers", "submitter", "log", "tables"):
        middle, last = (max(getattr(one, name) for one in part) for part in (samples[third:-third], samples[-third:]))
        if last > GROWTH * middle + SLACK:
            found.append(f"{name}: {middle:.1f} MiB, then {last:.1f} MiB")
    return found


def main() -> int:
    """1 if something has grown."""
    asked = _asked()
    results = {}
    for store, place in {"sqlite": file, "postgres": server}.items():
        if asked.store not in {store, "both"}:
            continue
        sys.stdout.write(f"soak on {store}: {asked.minutes:g} minutes, {WORKERS} workers\n")
        with place() as made:
            samples = asyncio.run(soak(made, 60 * asked.minutes, asked.every or max(asked.minutes, 2.0)))
        found = grown(samples)
        sys.stdout.write("\n".join([*found, "" if found else "all of it is flat", ""]))
        results[store] = {"grown": found, "samples": [one._asdict() for one in samples]}
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    return int(any(one["grown"] for one in results.values()))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="for each store; less than six say little")
    parser.add_argument("--store", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--every", type=float, help="seconds between two looks; else as many as minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
