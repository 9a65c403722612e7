"""What a scrape costs: by the number of types, part by part, to the event loop, and whether it grows with the jobs."""

from __future__ import annotations

import asyncio
import gzip
import statistics
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from benchmarks.bench import Tally, fill, milliseconds, payloads
from benchmarks.measure import Benchmark, Line, Numbers, percentile, ratio
from benchmarks.wide import fill_wide
from jobledger import App
from jobledger._metrics.text import text_of
from tests.prometheus_client_text import written

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from benchmarks.bench import Bench

SIZES = (10, 20, 200)
JOBS_TYPES = 10
REPEATS = 5
PRIORITIES = ("critical", "high", "normal", "low")
AT_ONCE = 20
SECONDS = 2.0
TICK = 0.001
READ, READ_MORE = "10 types: read of the books", "10 types: read of the books, 20 times the jobs"
TEXT, TEXT_MORE = "10 types: Prometheus text", "10 types: Prometheus text, 20 times the jobs"


def _of(types: int, what: str) -> str:
    return f"{types} types x 4: {what}"


async def once(bench: Bench) -> Numbers:
    numbers = await _growing(bench)
    for types in SIZES:
        numbers |= await _wide(bench, types)
    return numbers


async def _growing(bench: Bench) -> Numbers:
    """Twenty times the jobs, and the same read."""
    jobs = bench.size(2000, 800)
    app, tally = bench.app(), Tally(jobs)

    async def noop(i: int = 0) -> int:
        tally.hit()
        return i

    for number in range(JOBS_TYPES):
        app.job(f"type.{number}")(noop)
    async with app:
        await _spread(app, jobs)
        async with app.worker():
            await tally.enough.wait()
        numbers = {READ: await milliseconds(app.metrics.snapshot), TEXT: await milliseconds(app.metrics.text)}
        await _spread(app, 19 * jobs)
        numbers |= {
            READ_MORE: await milliseconds(app.metrics.snapshot),
            TEXT_MORE: await milliseconds(app.metrics.text),
        }
        await bench.audit(app)
    return numbers


async def _spread(app: App, jobs: int) -> None:
    each = jobs // JOBS_TYPES // len(PRIORITIES)
    for number in range(JOBS_TYPES):
        for priority in PRIORITIES:
            await fill(app, f"type.{number}", payloads(each), priority=priority)


async def _wide(bench: Bench, types: int) -> Numbers:
    url = bench.url()
    # Not in this loop's thread: the store of PostgreSQL has a loop of its own.
    await asyncio.to_thread(fill_wide, url.replace("durability=power", "durability=off"), types)
    async with App(url, read_only=True) as app:
        families = (await app.metrics.snapshot()).families()
        text = await app.metrics.text()
        openmetrics = await app.metrics.text(openmetrics=True)
        assert text.startswith(text_of(families)[:100])
        found: Numbers = {
            "read of the books": await milliseconds(app.metrics._read_ledger),  # noqa: SLF001 - apart from the sums
            "Prometheus text": await milliseconds(app.metrics.text),
            "OpenMetrics, with exemplars": await milliseconds(lambda: app.metrics.text(openmetrics=True)),
            "writing alone": _blocking(lambda: text_of(families)),
            "writing by prometheus-client": _blocking(lambda: written(families, openmetrics=False)),
            f"{AT_ONCE} scrapes at once": await milliseconds(lambda: _at_once(app)),
            "loop lag p99, idle": percentile(await _lags(asyncio.sleep(SECONDS)), 0.99),
            "loop lag p99, scraped all the time": percentile(await _lags(_scrapes(app)), 0.99),
            "lines of OpenMetrics": float(openmetrics.count(b"\n")),
            "size of OpenMetrics": len(openmetrics) / 1024,
            "size of OpenMetrics, gzip": len(gzip.compress(openmetrics, 1)) / 1024,
        }
        await bench.audit(app)
    return {_of(types, what): value for what, value in found.items()}


async def _at_once(app: App) -> None:
    await asyncio.gather(*(app.metrics.text(openmetrics=True) for _ in range(AT_ONCE)))


async def _scrapes(app: App) -> None:
    ends = perf_counter() + SECONDS
    while perf_counter() < ends:
        await app.metrics.text(openmetrics=True)


async def _lags(meanwhile: Coroutine[object, object, None]) -> list[float]:
    """How much later than asked for a coroutine of this loop goes on, in milliseconds, until the other one is done.

    Only as far as this process was at work in that time: what other programs on the machine take is not its lag.
    """
    other, lags = asyncio.create_task(meanwhile), list[float]()
    while not other.done():
        began, worked = perf_counter(), process_time()
        await asyncio.sleep(TICK)
        late, worked = perf_counter() - began - TICK, process_time() - worked - TICK
        lags.append(max(0.0, min(late, worked)) * 1000)
    await other
    return lags


def _blocking(work: Callable[[], object]) -> float:
    taken: list[float] = []
    for _ in range(REPEATS):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return statistics.median(taken) * 1000


def _lines(types: int) -> tuple[Line, ...]:
    ours, theirs = _of(types, "writing alone"), _of(types, "writing by prometheus-client")
    return (
        Line(_of(types, "read of the books"), "ms"),
        Line(_of(types, "Prometheus text"), "ms"),
        Line(_of(types, "OpenMetrics, with exemplars"), "ms"),
        Line(ours, "ms"),
        Line(theirs, "ms"),
        ratio(theirs, ours, _of(types, "prometheus-client : ours")),
        Line(_of(types, f"{AT_ONCE} scrapes at once"), "ms"),
        ratio(
            _of(types, f"{AT_ONCE} scrapes at once"),
            _of(types, "OpenMetrics, with exemplars"),
            _of(types, f"{AT_ONCE} scrapes : one"),
        ),
        Line(_of(types, "loop lag p99, idle"), "ms"),
        Line(_of(types, "loop lag p99, scraped all the time"), "ms"),
        Line(_of(types, "lines of OpenMetrics"), "lines"),
        Line(_of(types, "size of OpenMetrics"), "KiB"),
        Line(_of(types, "size of OpenMetrics, gzip"), "KiB"),
    )


BENCHMARK = Benchmark(
    "scrape",
    f"all metrics of {', '.join(map(str, SIZES))} types in 4 priorities, every series present, every bucket hit",
    (
        *(line for types in SIZES for line in _lines(types)),
        Line(READ, "ms"),
        Line(READ_MORE, "ms"),
        ratio(READ_MORE, READ),
        Line(TEXT, "ms"),
        Line(TEXT_MORE, "ms"),
        ratio(TEXT_MORE, TEXT),
    ),
    once,
)
