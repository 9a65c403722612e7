"""Whether a file slows down with the ended jobs that it retains: drain, a read of the books and of one job's status."""

from __future__ import annotations

import asyncio
import os
from time import perf_counter
from typing import TYPE_CHECKING

import apsw

from benchmarks.bench import Tally, fill, milliseconds, payloads
from benchmarks.measure import Benchmark, Line, Numbers, ratio

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench

FEW = 10_000
SIZES = {"10,000": FEW, "1,000,000": 1_000_000, "10,000,000": 10_000_000}
TYPES = 10
READS = 30
FIRST = 1_000_000_000
"""Keys of loaded rows; the jobs that are really run get others."""
# Complete for an hour, so that no retention is near.
_JOBS = """
    WITH RECURSIVE many (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM many WHERE n < ?2)
    INSERT INTO job SELECT n, 'retained-' || n, n, 1 + n % ?3, NULL, n % 4, 'complete', 0, ?4, ?4, ?4, ?4, 1, 0, 0,
        10, 3, NULL, NULL, 0, NULL, NULL, NULL, n, ?4, NULL, ?4 + n % 1000000, NULL, NULL, NULL, NULL, 3,
        CAST('{"i":1}' AS BLOB)
    FROM many
"""
_HISTORIES = """
    WITH RECURSIVE many (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM many WHERE n < ?2)
    INSERT INTO history SELECT n, version, name, ?3, 1, NULL, NULL, NULL, NULL FROM many
    CROSS JOIN (SELECT 2 AS version, 'started' AS name UNION ALL SELECT 3, 'completed')
"""


async def once(bench: Bench) -> Numbers:
    numbers: Numbers = {}
    for label in _labels(bench):
        numbers |= await _at(bench, label)
    return numbers


def _labels(bench: Bench) -> tuple[str, ...]:
    labels = tuple(SIZES)
    return labels[:1] if bench.quick else labels[: 3 if bench.full else 2]


async def _at(bench: Bench, label: str) -> Numbers:
    path, jobs = bench.path(), bench.size(8_000, 2_000)
    app, tally = bench.opened(f"sqlite:///{path}"), Tally(jobs)

    async def noop(i: int = 0) -> int:
        tally.hit()
        return i

    for number in range(TYPES):
        app.job(f"t{number}")(noop)
    async with app:
        pass  # types are declared
    await asyncio.to_thread(_load, path, SIZES[label])
    async with app:
        for number in range(TYPES):
            ids = await fill(app, f"t{number}", payloads(jobs // TYPES))
        began = perf_counter()
        async with app.worker():
            await tally.enough.wait()
        rate = jobs / (perf_counter() - began)
        books = await milliseconds(app.metrics._read_ledger, READS)  # noqa: SLF001 - apart from the sums
        status = await milliseconds(lambda: app.jobs.status(ids[-1]), READS)
        bench.judge(0)  # rows that were loaded by SQL are in no books
    return {_drain(label): rate, _books(label): books, _status(label): status}


def _load(path: Path, rows: int) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("synchronous", 0)
    connection.pragma("cache_size", -512 * 1024)
    (now,) = connection.execute("SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) - 3600000000").fetchone() or (0,)
    last = FIRST + rows - 1
    with connection:
        connection.execute(_JOBS, (FIRST, last, TYPES, now))
        connection.execute(_HISTORIES, (FIRST, last, now))
    connection.pragma("wal_checkpoint", "TRUNCATE")
    connection.close()
    os.sync()  # else the drain would pay for it


def _drain(label: str) -> str:
    return f"drain, {label} retained"


def _books(label: str) -> str:
    return f"read of the books, {label} retained"


def _status(label: str) -> str:
    return f"status of a job, {label} retained"


BENCHMARK = Benchmark(
    "retained",
    f"{TYPES} types of no-op jobs, 100 slots, beside ended jobs and their histories (10,000,000 with --full)",
    (
        *(Line(_drain(label), "jobs/s") for label in SIZES),
        ratio(_drain("1,000,000"), _drain("10,000"), "drain, 1,000,000 : 10,000"),
        ratio(_drain("10,000,000"), _drain("10,000"), "drain, 10,000,000 : 10,000"),
        *(Line(_books(label), "ms") for label in SIZES),
        *(Line(_status(label), "ms") for label in SIZES),
    ),
    once,
)
