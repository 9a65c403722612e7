"""What the disk and SQLite alone allow, and how near jobledger comes to it: bare loops and the library side by side."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.bench import drain, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio
from benchmarks.raw import Raw

if TYPE_CHECKING:
    from benchmarks.bench import Bench

INSERT = "bare: insert, one a commit"
DRAIN = "bare: claim and complete, 100 a commit"
SUBMIT = "submit one by one"
DRAINED = "drain, 100 slots"


async def once(bench: Bench) -> Numbers:
    inserts, jobs = bench.size(500, 200), bench.size(6000, 2000)
    return {
        INSERT: _inserts(bench, inserts),
        SUBMIT: await _submits(bench, inserts),
        DRAIN: _drains(bench, jobs),
        DRAINED: (await drain(bench, payloads(jobs))).rate,
    }


def _inserts(bench: Bench, number: int) -> float:
    raw = Raw(bench.path())
    seconds = sum(raw.insert() for _ in range(number))
    raw.close()
    return number / seconds


def _drains(bench: Bench, number: int) -> float:
    raw = Raw(bench.path())
    raw.insert(number)
    rate = raw.drain(100)
    raw.close()
    return rate


async def _submits(bench: Bench, number: int) -> float:
    app = bench.app()
    async with app:
        await app.declare("noop")
        began = perf_counter()
        for i in range(number):
            await app.jobs.submit("noop", {"i": i})
        elapsed = perf_counter() - began
        await bench.audit(app)
    return number / elapsed


BENCHMARK = Benchmark(
    "ceilings",
    "bare apsw loops on the same disk, without history, ledger, fence or event loop; and what is left of them",
    (
        Line(INSERT, "rows/s"),
        Line(SUBMIT, "jobs/s"),
        ratio(SUBMIT, INSERT, "submit : bare insert"),
        Line(DRAIN, "rows/s"),
        Line(DRAINED, "jobs/s"),
        ratio(DRAINED, DRAIN, "drain : bare claim and complete"),
    ),
    once,
)
