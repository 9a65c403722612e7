"""What a million foreign jobs and a long mailbox cost a claim on PostgreSQL, and ten million ended ones a read."""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import asyncpg

from benchmarks.measure import Benchmark, Line, Numbers, ratio
from jobledger._core import commands as c
from jobledger._core.outcome import Done
from jobledger._core.priority import Stride
from jobledger._store.contract import Batch, Claim, Declaration, Enlistment, Group
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from jobledger._store.contract import Committed

BATCH = 100
TURNS = 40
FOREIGN = """
    INSERT INTO jobledger.job SELECT n, 'foreign' || n, n, $1::integer, NULL, n % 4, 'ready', false, 0, 0, 0, 0, 0, 0,
        0, 10, 3, NULL, NULL, 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, '\\x7b7d'::bytea
    FROM generate_series($2::bigint, $3::bigint) AS n
"""
PARKED = """
    INSERT INTO jobledger.job SELECT n, 'parked' || n, n, $1::integer, 'hot', 2,
        CASE WHEN n = $2 THEN 'ready' ELSE 'parked' END, n = $2, 0, 0, CASE WHEN n = $2 THEN 0 END, 0, 0, 0, 0, 10, 3,
        NULL, NULL, 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, '\\x7b7d'::bytea
    FROM generate_series($2::bigint, $3::bigint) AS n
"""
ENDED = """
    INSERT INTO jobledger.ended SELECT n, 'ended' || n, n, 1 + n % 10, NULL, n % 4, 'complete', false, 0, 0, 0, 0, 1,
        0, 0, 10, 3, NULL, NULL, 0, NULL, NULL, NULL, n, 0, NULL, 1, NULL, NULL, NULL, NULL, 3, '\\x7b7d'::bytea
    FROM generate_series($1::bigint, $2::bigint) AS n
"""
ALONE, BESIDE = "alone", "in the crowd"
KINDS = ("1 type", "50 types")
READS = ("read of the books", "status of a job")


async def once(bench: Bench) -> Numbers:
    return await asyncio.to_thread(_once, bench)


def _once(bench: Bench) -> Numbers:
    numbers: Numbers = {}
    foreign, parked = bench.size(1_000_000, 200_000), bench.size(100_000, 20_000)
    for place, crowd in ((ALONE, (0, 0)), (BESIDE, (foreign, parked))):
        worker = Worker(bench.url())
        worker.fill(*crowd)
        for kind, types in zip(KINDS, (1, 50), strict=True):
            numbers |= {f"{what}, {kind}, {place}": value for what, value in worker.timed(types).items()}
        numbers |= worker.reads(
            (10_000_000 if bench.full else bench.size(1_000_000, 500_000)) if place == BESIDE else 0, place
        )
        worker.close()
    bench.judge(0)  # rows that were loaded by SQL are in no books
    return numbers


class Worker:
    """A store and a writer in it, without an event loop around them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._store = PostgresStore(Target.of(url), migrating=True)
        names = tuple(f"t{number}" for number in range(60))
        known = self._store.declare(tuple(Declaration(name, name) for name in names), 1000)
        self._types = tuple(one.type_id for one in known)
        self._writer = self._store.enlist(Enlistment("worker", "here", 1, BATCH, self._types[:50]))
        self._number = 0
        self._ids = 0

    def close(self) -> None:
        self._store.close()

    def fill(self, foreign: int, parked: int) -> None:
        """Jobs of a type that is not handled, and one entity's mailbox."""
        asyncio.run(self._fill(foreign, parked))

    async def _fill(self, foreign: int, parked: int) -> None:
        connection = await asyncpg.connect(Target.of(self._url).dsn, command_timeout=600)
        if foreign:
            await connection.execute(FOREIGN, self._types[-1], 1, foreign)
            await connection.execute(PARKED, self._types[-1], 20_000_000, 20_000_000 + parked)
            await connection.execute("INSERT INTO jobledger.mailbox (entity) VALUES ('hot')")
        await connection.execute("SELECT setval('jobledger.number', 40000000)")
        await connection.execute("VACUUM ANALYZE")
        await connection.close()

    def timed(self, types: int) -> Numbers:
        """Milliseconds of batches that start 100 jobs, that complete them and start 100 more, and that find nothing."""
        handled = self._types[:types]
        self._submit(handled, BATCH * (TURNS + 1))
        running = self._send((), handled).claimed
        both: list[float] = []
        for _ in range(TURNS):
            began = perf_counter()
            settles = tuple(
                c.Settle(one.job.id, one.job.key, one.job.run, self._writer, Done(), 1000) for one in running
            )
            running = self._send(settles, handled).claimed
            both.append((perf_counter() - began) * 1000)
            assert len(running) == BATCH
        self._send(
            tuple(c.Settle(o.job.id, o.job.key, o.job.run, self._writer, Done(), 1000) for o in running), handled
        )
        nothing: list[float] = []
        for _ in range(TURNS):
            began = perf_counter()
            assert not self._send((), handled).claimed
            nothing.append((perf_counter() - began) * 1000)
        return {"complete 100 and start 100": median(both), "look and find nothing": median(nothing)}

    def reads(self, ended: int, place: str) -> Numbers:
        """Milliseconds of reading the books and one job."""
        if ended:
            asyncio.run(self._end(ended))
        self._submit(self._types[:10], BATCH)
        took: dict[str, list[float]] = {what: [] for what in READS}
        for _ in range(20):
            began = perf_counter()
            self._store.ledger()
            read = perf_counter()
            self._store.record(f"mine{self._ids}")
            for what, seconds in zip(READS, (read - began, perf_counter() - read), strict=True):
                took[what].append(seconds * 1000)
        return {f"{what}, {place}": median(values) for what, values in took.items()}

    async def _end(self, ended: int) -> None:
        connection = await asyncpg.connect(Target.of(self._url).dsn, command_timeout=1200)
        await connection.execute(ENDED, 100_000_000, 100_000_000 + ended)
        await connection.execute("VACUUM ANALYZE jobledger.ended")
        await connection.close()

    def _submit(self, types: tuple[int, ...], number: int) -> None:
        for first in range(0, number, 500):
            items: list[c.Submit] = []
            for n in range(first, min(first + 500, number)):
                self._ids += 1
                items.append(c.Submit(f"mine{self._ids}", types[n % len(types)], b"{}", 2))
            self._send((c.SubmitAll(tuple(items)),), ())

    def _send(self, commands: tuple[c.Command, ...], types: tuple[int, ...]) -> Committed:
        self._number += 1
        claim = Claim((Group(types, BATCH, Stride()),)) if types else None
        return self._store.commit(Batch(self._writer, self._number, commands, claim))


BENCHMARK = Benchmark(
    "crowd",
    "PostgreSQL beside 1,000,000 ready jobs of other types, 100,000 parked, 1,000,000 ended (10 times with --full)",
    (
        *(
            line
            for kind in KINDS
            for what in ("complete 100 and start 100", "look and find nothing")
            for line in (
                Line(f"{what}, {kind}, {ALONE}", "ms"),
                Line(f"{what}, {kind}, {BESIDE}", "ms"),
                ratio(f"{what}, {kind}, {BESIDE}", f"{what}, {kind}, {ALONE}", f"{what}, {kind}: crowd : alone"),
            )
        ),
        *(
            Line(f"{what}, {place}", "ms")
            for what in ("read of the books", "status of a job")
            for place in (ALONE, BESIDE)
        ),
    ),
    once,
)
