"""One command that can't be written is told to its sender; nobody else hears of it."""

import asyncio

import pytest

from jobledger import App, Context
from jobledger._core.commands import Cancel, Command, Count, Report, Settle, Submit
from jobledger._core.outcome import Done
from jobledger._store.contract import Batch, Committed, Store
from jobledger.errors import JobEnded, WorkerStuck
from tests.scripted import lost_after, odd, scripted
from tests.waiting import until


async def test_a_poison_submit_is_isolated(app: App) -> None:
    async with app:
        await app.declare("work")
        script = scripted(app)
        script.poison = lambda command: isinstance(command, Submit) and command.entity == "poison"
        script.hold()
        waiting = [asyncio.ensure_future(app.jobs.submit("work"))]
        await until(lambda: script.at_gate, "a batch is being committed")
        waiting += [
            asyncio.ensure_future(app.jobs.submit("work", entity=entity)) for entity in ("a", "poison", "b", "poison")
        ]
        await asyncio.sleep(0)
        script.release()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(answer, ZeroDivisionError) for answer in answers] == [False, False, True, False, True]
        assert len((await app.jobs.list()).jobs) == 3


async def test_a_poison_submit_stops_no_claim(app: App) -> None:
    """It was sent with a claim: what was ready is run, without anything else having to happen."""
    gate = asyncio.Event()

    @app.job("work")
    async def work(*, waits: bool = False) -> str:
        if waits:
            await gate.wait()
        return "done"

    async with app.worker(slots=1, threads=0):
        first, second = await work.submit(waits=True), await work.submit()
        script = scripted(app)
        script.poison = lambda command: isinstance(command, Submit)
        script.hold(on=Submit)
        poison = [asyncio.ensure_future(work.submit())]
        await until(lambda: script.at_gate, "a batch is being committed")
        poison.append(asyncio.ensure_future(work.submit()))
        gate.set()
        await until(lambda: app._opened_door()._settlements, "the first job has ended")
        script.release()
        answers = await asyncio.gather(*poison, return_exceptions=True)
        assert [type(answer) for answer in answers] == [ZeroDivisionError] * 2
        for job_id in (first, second):
            assert await work.result(job_id, wait=2) == "done"


async def test_a_claim_that_fails_is_tried_again(app: App) -> None:
    """Whoever was in the same batch is answered, and never hears of it."""

    @app.job("work")
    async def work() -> str:
        return "done"

    async with app.worker():
        script = scripted(app)
        script.fail(claims_nothing, claims_nothing, claims_nothing)
        assert await work.result(await work.submit(), wait=5) == "done"


async def test_an_outcome_that_cannot_be_written_is_a_dead_letter(app: App) -> None:
    """Its work is done, so it is not done again; and it is not left in processing."""

    @app.job("work")
    async def work() -> None: ...

    async with app.worker():
        script = scripted(app)
        script.poison = lambda command: isinstance(command, Settle) and isinstance(command.outcome, Done)
        job_id = await work.submit()
        with pytest.raises(JobEnded, match="its outcome could not be written: ZeroDivisionError"):
            await work.result(job_id, wait=5)
        report = await app.jobs.status(job_id)

    assert (report.status, len(report.attempts)) == ("failed", 1)


async def test_an_attempt_that_cannot_be_settled_at_all(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays in processing under a living writer; it is taken over when this process has ended."""
    monkeypatch.setattr("jobledger._runtime.node._STOP_SECONDS", 0.05)
    runs: list[str] = []

    @app.job("work")
    async def work(ctx: Context) -> None:
        runs.append(ctx.job_id)

    with pytest.raises(WorkerStuck) as raised:
        async with app.worker(slots=1):
            script = scripted(app)
            script.poison = lambda command: isinstance(command, Settle) and command.job_id == job_id
            job_id = await work.submit()
            await until(lambda: len(script.commands(Settle)) >= 2, "it was tried")
            script.fail(lost_after, on=Submit)  # what is read back has this job too
            await work.result(await work.submit(), wait=5)
    assert raised.value.job_ids == (job_id,)
    assert runs == [job_id, *runs[1:]]
    assert len(runs) == 2
    async with app:
        assert (await app.jobs.status(job_id)).status == "processing"


async def test_a_poison_report_is_forgotten(app: App) -> None:
    @app.job("work")
    async def work(ctx: Context) -> str:
        ctx.progress(50)
        await until(lambda: script.commands(Report), "it was tried")
        return "done"

    async with app.worker():
        script = scripted(app)
        script.poison = lambda command: isinstance(command, Report)
        assert await work.result(await work.submit(), wait=5) == "done"


def claims_nothing(store: Store, batch: Batch) -> Committed:
    return odd(store, batch) if batch.claim else store.commit(batch)


@pytest.mark.parametrize("kind", [Count, Cancel])
async def test_the_sender_of_any_command_is_told(app: App, kind: type[Command]) -> None:
    async with app:
        await app.declare("work")
        job_id = await app.jobs.submit("work")
        script = scripted(app)
        script.poison = lambda command: isinstance(command, kind)
        with pytest.raises(ZeroDivisionError):
            await (app.metrics.inc("mine_total") if kind is Count else app.jobs.cancel(job_id))
