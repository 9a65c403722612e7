"""Workers are killed while their handlers count: each completed job is counted once, whatever else was begun."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from jobledger import App
from tests.both_stores import url
from tests.faults.program import started
from tests.waiting import until

__all__ = ["url"]
pytestmark = pytest.mark.timeout(240)

PATIENCE = 60
"""Seconds that a loaded machine may need for what takes one."""
JOBS = 50
HELD = (2, 9, 17, 30, 44)
"""From these jobs on no handler of a worker ends: it is killed when it has counted this one."""


class Notes:
    """What handlers did, in a file of their own: nothing of jobledger's."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, word: str) -> Counter[int]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return Counter(int(number) for said, _, number in (line.partition(" ") for line in lines) if said == word)

    def holds(self, number: int) -> bool:
        return number in self.of("held")


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "notes")


@pytest.fixture
def new_worker(url: str, notes: Notes) -> Iterator[Callable[[int], subprocess.Popen[bytes]]]:
    workers: list[subprocess.Popen[bytes]] = []

    def new_worker(held: int) -> subprocess.Popen[bytes]:
        workers.append(started("tests.faults.programs.counting", url, notes.path, held))
        return workers[-1]

    yield new_worker
    for worker in workers:
        worker.kill()
        worker.wait()


async def test_a_completed_job_is_counted_once(
    app: App, notes: Notes, new_worker: Callable[[int], subprocess.Popen[bytes]]
) -> None:
    async with app:
        await app.declare("invoice.charge", max_losses=1000)
        await app.jobs.submit("invoice.charge", [{"number": number} for number in range(JOBS)])
        for held in HELD:
            worker = new_worker(held)
            await until(partial(notes.holds, held), f"job {held} has counted and waits", PATIENCE)
            worker.kill()
            worker.wait()
        new_worker(JOBS)

        async def done() -> bool:
            return await app.metrics.jobs.completions.read() == JOBS

        await until(done, "all jobs are complete", PATIENCE)
        billing = app.metrics.namespace("billing")
        counted = {plan: await billing.counter("invoices_total", plan=plan).read() for plan in ("free", "pro")}
        euros = await billing.histogram("invoice_euros").read()
        lost = await app.metrics.jobs.lost.read()
        retried = await app.metrics.jobs.retries.read() - lost

    begun = notes.of("counted")
    assert sorted(begun) == [*range(JOBS)]
    assert [number for number in HELD if begun[number] < 2] == []
    assert retried == len(range(0, JOBS, 7))
    assert JOBS + retried + len(HELD) <= begun.total() <= JOBS + retried + lost
    assert counted == {"free": 3 * JOBS // 2, "pro": 3 * JOBS // 2}
    assert (euros.count, euros.sum) == (JOBS, sum(range(JOBS)))
