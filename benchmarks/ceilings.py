"""What the disk and the database alone allow, and how near jobledger comes: bare loops and the library side by side."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.bench import CHUNK, drain, fill, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio
from benchmarks.raw import Raw
from benchmarks.raw_postgres import RawPostgres

if TYPE_CHECKING:
    from benchmarks.bench import Bench

INSERT = "bare: insert, one a commit"
MANY = "bare: insert, 1,000 a commit"
DRAIN = "bare: claim and complete, 100 a commit"
SUBMIT = "submit one by one"
BATCHES = "submit, batches of 1,000"
DRAINED = "drain, 100 slots"
CLAIMED = 100


async def once(bench: Bench) -> Numbers:
    inserts, jobs = bench.size(500, 200), bench.size(6000, 2000)
    bare = _in_a_file(bench, inserts, jobs) if bench.server is None else await _on_a_server(bench, inserts, jobs)
    return bare | await _submits(bench, inserts, jobs) | {DRAINED: (await drain(bench, payloads(jobs))).rate}


def _in_a_file(bench: Bench, inserts: int, jobs: int) -> Numbers:
    one, many = Raw(bench.path()), Raw(bench.path())
    numbers = {
        INSERT: inserts / sum(one.insert() for _ in range(inserts)),
        MANY: jobs / sum(many.insert(CHUNK) for _ in range(0, jobs, CHUNK)),
        DRAIN: many.drain(CLAIMED),
    }
    one.close()
    many.close()
    return numbers


async def _on_a_server(bench: Bench, inserts: int, jobs: int) -> Numbers:
    one, many = await RawPostgres.opened(bench.url()), await RawPostgres.opened(bench.url())
    numbers = {
        INSERT: await one.insert(inserts),
        MANY: await many.copy(jobs, CHUNK),
        DRAIN: await many.drain(CLAIMED),
    }
    await one.close()
    await many.close()
    return numbers


async def _submits(bench: Bench, inserts: int, jobs: int) -> Numbers:
    app = bench.app()
    async with app:
        await app.declare("noop")
        began = perf_counter()
        for i in range(inserts):
            await app.jobs.submit("noop", {"i": i})
        one_by_one = inserts / (perf_counter() - began)
        began = perf_counter()
        await fill(app, "noop", payloads(jobs))
        batches = jobs / (perf_counter() - began)
        await bench.audit(app)
    return {SUBMIT: one_by_one, BATCHES: batches}


BENCHMARK = Benchmark(
    "ceilings",
    "bare loops of the driver on the same disk or server, without history, ledger or fence; and what is left of them",
    (
        Line(INSERT, "rows/s"),
        Line(SUBMIT, "jobs/s"),
        ratio(SUBMIT, INSERT, "submit : bare insert"),
        Line(MANY, "rows/s"),
        Line(BATCHES, "jobs/s"),
        ratio(BATCHES, MANY, "batches : bare insert"),
        Line(DRAIN, "rows/s"),
        Line(DRAINED, "jobs/s"),
        ratio(DRAINED, DRAIN, "drain : bare claim and complete"),
    ),
    once,
)
