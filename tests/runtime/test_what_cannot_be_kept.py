"""Work that can't be given to a handler, or whose result can't be kept, is a dead letter after one attempt."""

from collections.abc import Callable
from typing import Any

import pytest

from jobledger import App
from jobledger.errors import JobEnded


async def test_a_payload_that_does_not_fit_is_found_at_the_worker(new_app: Callable[[], App]) -> None:
    """It was submitted where the handler is not known; no retry would make it fit."""
    server, client = new_app(), new_app()
    ran: list[int] = []

    @server.job("work")
    async def work(*, number: int) -> None:
        ran.append(number)

    async with client:
        await client.declare("work")
        job_id = await client.jobs.submit("work", {"number": "five"})
        async with server.worker():
            with pytest.raises(JobEnded, match=r"failed \(Validation\): the payload doesn't fit"):
                await server.jobs.result(job_id, wait=5)
        report = await client.jobs.status(job_id)

    assert (report.status, report.reason, len(report.attempts), ran) == ("failed", "Validation", 1, [])
    assert "Expected `int`, got `str`" in (report.error or "")


@pytest.mark.parametrize("result", [object(), "\ud800", {(1, 2): 3}, lambda: None])
async def test_a_result_without_a_json_form(app: App, result: Any) -> None:
    """The work is done, so it must not be done again."""
    runs: list[str] = []

    @app.job("work", retry_base=0)
    async def work() -> Any:
        runs.append("ran")
        return result

    async with app.worker():
        job_id = await work.submit()
        with pytest.raises(JobEnded, match=r"failed \(Validation\): the work was done, but its result"):
            await app.jobs.result(job_id, wait=5)

    assert runs == ["ran"]


async def test_a_deep_result(app: App) -> None:
    @app.job("work", retry_base=0)
    async def work() -> Any:
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        return deep

    async with app.worker():
        with pytest.raises(JobEnded, match="Validation"):
            await app.jobs.result(await work.submit(), wait=5)


async def test_a_replay_with_a_better_handler(new_app: Callable[[], App]) -> None:
    """The dead letter waits for a release that understands it."""
    old, new = new_app(), new_app()

    @old.job("work")
    async def strict(*, number: int) -> None: ...

    @new.job("work")
    async def lenient(*, number: int | str) -> str:
        return str(number)

    async with new:
        job_id = await new.jobs.submit("work", {"number": "five"})
        async with old.worker():
            with pytest.raises(JobEnded):
                await old.jobs.result(job_id, wait=5)
        await new.jobs.replay(job_id)
        async with new.worker():
            assert await new.jobs.result(job_id, wait=5) == "five"
