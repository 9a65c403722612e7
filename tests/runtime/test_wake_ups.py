"""What another process submits starts by a wake-up, and without sockets by the poll alone."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from jobledger import App, Cancelled
from jobledger._runtime import node
from jobledger._store.sqlite import wake

HOUR = 3600.0


@pytest.fixture
def worker(app: App) -> App:
    @app.job("work")
    async def work(*, n: int) -> int:
        return n

    return app


async def test_a_wake_up_needs_no_poll(
    worker: App, new_app: Callable[[], App], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "POLL_SECONDS", HOUR)
    async with worker.worker(), new_app() as client:
        for n in range(5):
            job_id = await client.jobs.submit("work", {"n": n})
            assert await client.jobs.result(job_id, wait=30) == n


async def test_a_wake_up_tells_of_a_cancel(new_app: Callable[[], App], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "POLL_SECONDS", HOUR)
    worker = new_app()
    started = asyncio.Event()

    @worker.job("endless")
    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    async with worker.worker(), new_app() as client:
        job_id = await client.jobs.submit("endless")
        await started.wait()
        assert isinstance(await client.jobs.cancel(job_id, wait=30), Cancelled)


async def test_without_sockets_it_polls_and_says_so_once(
    worker: App, new_app: Callable[[], App], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(path: Path, _: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(wake, "bound", refused)
    with caplog.at_level(logging.WARNING):
        async with worker.worker(), new_app() as client:
            for n in range(3):
                job_id = await client.jobs.submit("work", {"n": n})
                assert await client.jobs.result(job_id, wait=30) == n
    (said,) = caplog.records
    assert "no wake-ups from other processes" in said.getMessage()
