"""A worker is killed between every two statements of its handler's transaction, and while each is under way."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target
from tests.postgres.payments import Ledger, paying
from tests.runtime.processes import ROOT

KILLED = -signal.SIGKILL


@pytest.fixture
async def ledger(postgres_schema: str) -> AsyncIterator[Ledger]:
    made = await Ledger.made(postgres_schema)
    yield made
    await made.dropped()


@pytest.fixture
def program(postgres_schema: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    command = [sys.executable, "-m", "tests.postgres.programs.paying_until", postgres_schema]
    started = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with started:
        yield started
        started.kill()


async def worked(program: subprocess.Popen[str], number: int, when: str, job_id: str) -> int:
    """Let a worker come to that statement; what became of it."""
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(f"{number} {when} {job_id}\n")
    program.stdin.flush()
    return int(await asyncio.to_thread(program.stdout.readline))


SOME = (*range(1, 60, 8), *range(66, 200))
"""Most of the first statements of a connection prepare what comes later; the completion is among the last ten."""


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "numbers", [pytest.param(range(1, 200), marks=pytest.mark.slow, id="all"), pytest.param(SOME, id="some")]
)
@pytest.mark.parametrize("when", ["before", "sent"])
async def test_the_effect_happens_exactly_once(
    when: str, numbers: Sequence[int], program: subprocess.Popen[str], ledger: Ledger, postgres_schema: str
) -> None:
    app, store = paying(postgres_schema), PostgresStore(Target.of(postgres_schema))
    before: list[tuple[int, bool]] = []
    amounts = 0
    async with app:
        status, job_id = KILLED, ""
        for number in numbers:
            job_id = await app.jobs.submit("pay", {"amount": number}, entity="payer")
            amounts += number
            status = await worked(program, number, when, job_id)
            if status != KILLED:
                break
            ended = [vital.writer_id for vital in await asyncio.to_thread(store.vitals) if vital.kind == "worker"]
            await asyncio.to_thread(store.take_over, tuple(ended))
            paid, complete = await ledger.both(job_id)
            assert (paid, complete) in {(0, False), (1, True)}, f"killed {when} statement {number}"
            before.append((paid, complete))
            async with app.worker(slots=1):
                assert await app.jobs.result(job_id, wait=10) == number
            assert await ledger.both(job_id) == (1, True), f"killed {when} statement {number}"
        assert status == 0
        assert await ledger.both(job_id) == (1, True)
        assert await app.metrics.jobs.completions.read(type="pay") == len(before) + 1
        assert f"paid_total {amounts}" in (await app.metrics.text()).decode()
        assert await app.metrics.jobs.enqueued.read(type="thank") == len(before) + 1
    await asyncio.to_thread(store.close)
    assert len(before) > 15
    assert before[0] == (0, False)
    print(f"{when}: {len(before)} kills, {sum(paid for paid, _ in before)} of them after the commit")  # noqa: T201 - a figure
