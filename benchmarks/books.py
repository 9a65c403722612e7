"""What the books cost: the same jobs with the ledger's rows written in each transaction, and without them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING
from unittest.mock import patch

import asyncpg

from benchmarks.bench import Stopwatch, Tally, fill, payloads
from benchmarks.measure import Benchmark, Line, Numbers, percentile, ratio
from jobledger._core.deltas import merge
from jobledger._store.sqlite.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from benchmarks.bench import Bench
    from jobledger import App

SLOTS = (100, 500)
PAUSE = 0.012
BOOKED, UNBOOKED = "with the books", "without"
WAIT = "submit to handler started on an idle worker, p50"
ADDED = f"{WAIT}: added by the books"
# As in a migration, with no body: nothing else calls it.
_NO_COUNTS = """
    CREATE OR REPLACE FUNCTION jobledger.book_counts(p_writer bigint, p_deltas bigint[], p_own jobledger.own_counts)
    RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$
"""


async def once(bench: Bench) -> Numbers:
    numbers: Numbers = {}
    for slots in SLOTS:
        for books in (BOOKED, UNBOOKED):
            numbers[_drain(slots, books)] = await _drained(bench, slots, books, bench.size(10_000, 3_000))
    for books in (BOOKED, UNBOOKED):
        numbers[_wait(books)] = await _waited(bench, books, bench.size(160, 60))
    return numbers | {ADDED: numbers[_wait(BOOKED)] - numbers[_wait(UNBOOKED)]}


async def _drained(bench: Bench, slots: int, books: str, number: int) -> float:
    url = bench.url()
    app, tally, watch = bench.opened(url), Tally(number), Stopwatch()

    @app.job("noop")
    async def noop(i: int = 0) -> int:
        tally.hit()
        return i

    async with app:
        await fill(app, "noop", payloads(number))
        with await _opened(bench, url, books), watch:
            async with app.worker(slots=slots):
                await tally.enough.wait()
        await _judge(bench, app, books)
    return watch.speed(number).rate


async def _waited(bench: Bench, books: str, number: int) -> float:
    url = bench.url()
    app, started, waits = bench.opened(url), asyncio.Event(), list[float]()
    began = 0.0

    @app.job("noop")
    async def noop(i: int = 0) -> int:
        waits.append((perf_counter() - began) * 1000)
        started.set()
        return i

    async with app.worker():
        await app.declare("noop")
        with await _opened(bench, url, books):
            for i in range(number):
                await asyncio.sleep(PAUSE)
                started.clear()
                began = perf_counter()
                await app.jobs.submit("noop", {"i": i})
                await started.wait()
        await _judge(bench, app, books)
    return percentile(waits, 0.5)


async def _opened(bench: Bench, url: str, books: str) -> AbstractContextManager[None]:
    if books == BOOKED:
        return nullcontext()
    if bench.server is None:
        return _without_cells()
    connection = await asyncpg.connect(url)
    await connection.execute(_NO_COUNTS)
    await connection.close()
    return nullcontext()


@contextmanager
def _without_cells() -> Iterator[None]:
    """History, clock and jobs are written as ever; counts and histograms are worked out, and dropped."""
    close = Pages.close

    def dropping(pages: Pages, writer_id: int) -> None:
        merge(pages._cells, pages._deltas, pages._ladder)  # noqa: SLF001 - a store without books is no store: it has no switch for this
        pages._deltas.clear()  # noqa: SLF001 - as above
        pages._cells.clear()  # noqa: SLF001 - as above
        close(pages, writer_id)

    with patch.object(Pages, "close", dropping):
        yield


async def _judge(bench: Bench, app: App, books: str) -> None:
    if books == BOOKED:
        await bench.audit(app)
    else:
        assert (await app.metrics.audit()).findings, "the books were written all the same"


def _drain(slots: int, books: str) -> str:
    return f"drain, {slots} slots, {books}"


def _wait(books: str) -> str:
    return f"{WAIT}, {books}"


BENCHMARK = Benchmark(
    "books",
    "no-op jobs with the ledger's rows in each transaction, and without them; jobs and histories are written in both",
    (
        *(
            line
            for slots in SLOTS
            for line in (
                Line(_drain(slots, BOOKED), "jobs/s"),
                Line(_drain(slots, UNBOOKED), "jobs/s"),
                ratio(_drain(slots, BOOKED), _drain(slots, UNBOOKED), f"drain, {slots} slots: with : without"),
            )
        ),
        Line(_wait(BOOKED), "ms"),
        Line(_wait(UNBOOKED), "ms"),
        Line(ADDED, "ms"),
    ),
    once,
)
