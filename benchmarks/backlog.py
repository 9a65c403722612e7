"""Whether a long queue is slower than a short one: drain and claim, beside 10,000 and 100,000 waiting jobs."""

from __future__ import annotations

import asyncio
import os
import statistics
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.bench import Tally, fill, milliseconds, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio
from jobledger import App
from jobledger._clock import SystemClock
from jobledger._core.commands import Settle
from jobledger._core.outcome import Done
from jobledger._core.priority import Stride
from jobledger._store.contract import Batch, Claim, Declaration, Enlistment, Group
from jobledger._store.open import open_store

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from jobledger._store.contract import Committed

SIZES = {"10,000": 10_000, "100,000": 100_000, "1,000,000": 1_000_000}
BATCHES = 20
READS = 30


async def once(bench: Bench) -> Numbers:
    numbers: Numbers = {}
    for label in _labels(bench):
        numbers |= await _at(bench, label, SIZES[label])
    return numbers


def _labels(bench: Bench) -> tuple[str, ...]:
    if bench.quick:
        return ("10,000",)
    return tuple(SIZES)[: 3 if bench.full else 2]


async def _at(bench: Bench, label: str, size: int) -> Numbers:
    url = f"sqlite:///{bench.path()}"
    started = bench.size(5000, 2000)
    app, tally = App(url), Tally(started)

    @app.job("noop")
    async def noop(i: int = 0) -> int:
        tally.hit()
        return i

    async with app:
        ids = await fill(app, "noop", payloads(size))
        books = await milliseconds(app.metrics._read_ledger, READS)  # noqa: SLF001 - apart from the sums
        status = await milliseconds(lambda: app.jobs.status(ids[size // 2]), READS)
    claims = await asyncio.to_thread(_claims, url)
    async with app:
        began = perf_counter()
        async with app.worker():
            await tally.enough.wait()
        rate = tally.count / (perf_counter() - began)
        await bench.audit(app)
    return {_drain(label): rate, _claim(label): claims * 1000, _books(label): books, _status(label): status}


def _claims(url: str) -> float:
    """Seconds of a commit that settles a hundred jobs and claims the next hundred, straight at the store."""
    store, clock = open_store(url, SystemClock().now), perf_counter
    (type_,) = store.declare((Declaration("noop", "noop"),), 1)
    writer = store.enlist(Enlistment("worker", "bench", os.getpid(), 100, (type_.type_id,)))
    last: Committed | None = None
    taken: list[float] = []
    for number in range(1, BATCHES + 2):
        jobs = [claimed.job for claimed in last.claimed] if last else []
        settles = tuple(Settle(job.id, job.key, job.run, writer, Done(), 0) for job in jobs)
        stride = last.strides[0] if last else Stride()
        asked = Claim((Group((type_.type_id,), 100, stride),)) if number <= BATCHES else None
        began = clock()
        last = store.commit(Batch(writer, number, settles, asked))
        taken.append(clock() - began)
    store.retire(writer)
    store.close()
    return statistics.median(taken[1:-1])


def _drain(label: str) -> str:
    return f"drain, {label} waiting"


def _claim(label: str) -> str:
    return f"settle 100 and claim 100, {label} waiting"


def _books(label: str) -> str:
    return f"read of the books, {label} waiting"


def _status(label: str) -> str:
    return f"status of a job, {label} waiting"


BENCHMARK = Benchmark(
    "backlog",
    "no-op jobs at the head of a long queue, 100 slots (1,000,000 waiting with --full)",
    (
        *(Line(_drain(label), "jobs/s") for label in SIZES),
        ratio(_drain("100,000"), _drain("10,000"), "drain, 100,000 : 10,000"),
        ratio(_drain("1,000,000"), _drain("10,000"), "drain, 1,000,000 : 10,000"),
        *(Line(_claim(label), "ms") for label in SIZES),
        ratio(_claim("100,000"), _claim("10,000"), "settle and claim, 100,000 : 10,000"),
        ratio(_claim("1,000,000"), _claim("10,000"), "settle and claim, 1,000,000 : 10,000"),
        *(Line(_books(label), "ms") for label in SIZES),
        *(Line(_status(label), "ms") for label in SIZES),
    ),
    once,
)
