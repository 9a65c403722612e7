"""From a submit in one process to the handler's first line in another, idle one: with wake-ups, and by polling."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING
from unittest.mock import patch

from benchmarks.measure import Benchmark, Line, Numbers, percentile, ratio
from benchmarks.processes import Program
from jobledger import JobId
from jobledger._store.postgres import store
from jobledger._store.postgres.wake import Side

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from benchmarks.bench import Bench

GAPS = (0.01, 0.09)
"""Seconds between two submits, at random."""
DEAF = "x" * 100
"""A socket's address has no room for a path as long as this one's."""
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
WOKEN, POLLED, ANSWERED = "woken", "by polling", "the submit's own answer"


async def once(bench: Bench) -> Numbers:
    samples = 400 if bench.full else bench.size(200, 60)
    woken, answered = await _samples(bench, samples, deaf=False)
    polled, _ = await _samples(bench, samples, deaf=True)
    return {
        _name(how, label): percentile(taken, share) * 1000
        for how, taken in ((ANSWERED, answered), (WOKEN, woken), (POLLED, polled))
        for label, share in SHARES.items()
    }


async def _samples(bench: Bench, number: int, *, deaf: bool) -> tuple[list[float], list[float]]:
    """Seconds from before each submit: until its handler started, and until it was answered."""
    stamps = bench.path().with_suffix(".stamps")
    url, environment = (_in_a_file if bench.server is None else _on_a_server)(bench, deaf=deaf)
    app, chance, jobs = bench.opened(url), random.Random(number), list[JobId]()
    began, answered = list[float](), list[float]()
    async with app:
        pass  # it makes the store
    with Program("stamping", url, stamps, **environment), _silent(bench, deaf=deaf):
        async with app:
            await app.declare("stamp")
            for i in range(number):
                await asyncio.sleep(chance.uniform(*GAPS))
                began.append(time.monotonic())
                jobs.append(await app.jobs.submit("stamp", {"i": i}))
                answered.append(time.monotonic() - began[-1])
            for job_id in jobs:
                await app.jobs.result(job_id, wait=10)
            await bench.audit(app)
    lines = (line.split() for line in stamps.read_text(encoding="ascii").splitlines())
    started = {int(i): int(at) / 1e9 for i, at in lines}
    return [started[i] - began[i] for i in range(number)], answered


def _in_a_file(bench: Bench, *, deaf: bool) -> tuple[str, dict[str, str]]:
    folder = bench.path().with_suffix("") / (DEAF if deaf else "")
    folder.mkdir(parents=True)
    return f"sqlite:///{folder}/jobs.db?durability=power", {"TMPDIR": str(folder)} if deaf else {}


def _on_a_server(bench: Bench, *, deaf: bool) -> tuple[str, dict[str, str]]:  # noqa: ARG001 - as the other one
    return bench.url(), {}


def _silent(bench: Bench, *, deaf: bool) -> AbstractContextManager[object]:
    """On PostgreSQL it is the notifications of this process that are dropped."""
    if not deaf or bench.server is None:
        return nullcontext()
    silent = ExitStack()
    silent.enter_context(patch.object(Side, "ring"))
    silent.enter_context(patch.object(store, "APART_SECONDS", float("inf")))
    return silent


def _name(how: str, label: str) -> str:
    return f"{how}, {label}"


BENCHMARK = Benchmark(
    "across",
    "from a submit to the start of its handler in another process that is idle; random gaps between submits",
    (
        *(Line(_name(how, label), "ms") for how in (ANSWERED, WOKEN, POLLED) for label in SHARES),
        ratio(_name(POLLED, "p50"), _name(WOKEN, "p50"), "polling : woken, p50"),
    ),
    once,
)
