"""Workers that push are killed: pushes go on, no interval has two, and what was pushed is what the books say."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from subprocess import Popen

import pytest

from jobledger import App
from jobledger._core.catalog import COMPLETIONS, FAILURES
from tests.otel.pushing import points, pushed
from tests.otel.receiver import Receiver
from tests.runtime.processes import ended, said, start
from tests.waiting import until

INTERVAL = 250_000_000
"""Of the program, in nanoseconds."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, store_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{store_path}"
    schema: str = request.getfixturevalue("postgres_schema")
    return schema


@pytest.fixture
def workers(url: str, receiver: Receiver) -> Iterator[list[Popen[str]]]:
    arguments = (url, f"{receiver.url}/v1/metrics")
    found = [start("worker", *arguments, package="tests.otel.programs") for _ in range(3)]
    try:
        assert [said(worker) for worker in found] == ["ready"] * 3
        yield found
    finally:
        for worker in found:
            worker.kill()
            ended(worker)


async def done(app: App) -> bool:
    jobs = app.metrics.jobs
    return (await jobs.completions.read(), await jobs.dlq_size.read()) == (40, 10)


async def test_pushes_go_on_while_workers_are_killed(app: App, receiver: Receiver, workers: list[Popen[str]]) -> None:
    async with app:
        for worker in workers[:2]:
            await app.jobs.submit("work", [{"fails": False}] * 20 + [{"fails": True}] * 5, max_attempts=2)
            await pushed(receiver, time.time())
            worker.kill()
            await pushed(receiver, time.time())
        await until(lambda: done(app), "all jobs have ended", 40)
        push = await pushed(receiver, (await app.metrics.snapshot()).as_of)
        snapshot = await app.metrics.snapshot()
        assert (await app.metrics.audit()).balanced
    intervals = [one.at // INTERVAL for one in receiver.pushes]
    assert len(set(intervals)) == len(intervals)
    assert len({str(one.resource) for one in receiver.pushes}) == 1
    in_time = sorted(receiver.pushes, key=lambda one: one.at)
    for instrument in (COMPLETIONS, FAILURES):
        values = [points(one.metrics[instrument.series])[("type", "work"),] for one in in_time]
        assert all(before <= after for before, after in pairwise(values))  # type: ignore[operator]
        assert points(push.metrics[instrument.series])[("type", "work"),] == snapshot.value(instrument)
