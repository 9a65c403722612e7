"""A defect in the worker keeps no caller waiting."""

import asyncio
from typing import Any

import pytest

from jobledger import App
from jobledger._runtime.dispatcher import Dispatcher
from tests.scripted import scripted
from tests.waiting import until


def breaks(*_: Any) -> Any:
    raise LookupError("a defect")


@pytest.mark.parametrize("method", ["ask", "take"])
async def test_submits_are_answered(app: App, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @app.job("work")
    async def work() -> None: ...

    async with app.worker(grace=0):
        with monkeypatch.context() as patched:
            patched.setattr(Dispatcher, method, breaks)
            ids = [await asyncio.wait_for(app.jobs.submit("work", delay=60), 5) for _ in range(3)]
        assert {job.id for job in (await app.jobs.list()).jobs} == set(ids)


async def test_the_worker_goes_on_afterwards(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    @app.job("work")
    async def work() -> str:
        return "done"

    async with app.worker():
        with monkeypatch.context() as patched:
            patched.setattr(Dispatcher, "ask", breaks)
            job_id = await work.submit()
        assert await work.result(job_id, wait=5) == "done"


async def test_an_unexpected_error_is_not_an_answer_of_others(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that is no StoreError, where this process makes itself known."""
    async with app:
        await app.declare("work")
        with monkeypatch.context() as patched:
            patched.setattr(app._opened_door().store, "enlist", breaks)
            with pytest.raises(LookupError):
                await asyncio.wait_for(app.jobs.submit("work"), 5)
        await app.jobs.submit("work")


async def test_a_caller_that_went_away_changes_nothing(app: App) -> None:
    """Its command is written all the same; the others of the batch are answered."""
    async with app:
        await app.declare("work")
        script = scripted(app)
        script.hold()
        first = asyncio.ensure_future(app.jobs.submit("work"))
        await until(lambda: script.at_gate, "a batch is being committed")
        gone, stays = (asyncio.ensure_future(app.jobs.submit("work")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        gone.cancel()
        script.release()
        await stays
        assert len((await app.jobs.list()).jobs) == 3
