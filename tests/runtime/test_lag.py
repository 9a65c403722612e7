"""A handler that blocks the event loop is seen, and named."""

import logging
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from jobledger import App
from jobledger._runtime import lag
from tests.waiting import until_blocking


async def test_a_handler_that_blocks_the_loop_is_named(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lag, "_TICK", 0.01)
    monkeypatch.setattr(lag, "_WARN_AFTER", 0.05)

    def warnings() -> list[str]:
        return [record.getMessage() for record in caplog.records if "event loop" in record.getMessage()]

    @app.job("careless")
    async def careless() -> None:
        until_blocking(warnings, "the warning is there")

    with caplog.at_level(logging.WARNING, "jobledger.worker"):
        async with app.worker():
            job_id = await careless.submit()
            await careless.result(job_id, wait=5)

    assert f"the handler of 'careless' (job {job_id}) blocks it" in warnings()[0]
    assert len(warnings()) == 1


async def test_a_stall_of_something_else_blames_no_handler(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lag, "_TICK", 0.01)
    monkeypatch.setattr(lag, "_WARN_AFTER", 0.05)
    running: Any = {1: SimpleNamespace(task=None)}
    watch = lag.LagWatch(running)
    watch.start()
    try:
        until_blocking(lambda: "something other than a handler blocks it" in caplog.text, "the warning is there")
    finally:
        watch.stop()
    assert watch.stalled() >= 0


async def test_its_thread_ends_with_the_worker(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "_TICK", 0.01)
    app.job("work")(lambda: None)
    async with app.worker():
        assert watchers()
    until_blocking(lambda: not watchers(), "the thread has ended")


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "jobledger lag"]
