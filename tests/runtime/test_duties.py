"""A duty is repeated until it is stopped, whatever happens in it."""

import asyncio
import logging

import pytest

from jobledger._runtime.lifecycle import Duty
from tests.waiting import until


async def test_a_step_is_repeated() -> None:
    steps: list[int] = []

    async def step() -> None:
        steps.append(len(steps))

    duty = Duty("count", 0.001, step)
    duty.start()
    duty.start()
    await until(lambda: len(steps) >= 3, "three steps are done")
    await duty.stop()
    await duty.stop()

    assert "jobledger count" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_an_error_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    steps: list[int] = []

    async def step() -> None:
        steps.append(len(steps))
        if len(steps) == 1:
            raise OSError("no route")  # a step's own words

    duty = Duty("count", 0.001, step)
    with caplog.at_level(logging.WARNING):
        duty.start()
        await until(lambda: len(steps) >= 2, "it was tried again")
    await duty.stop()

    assert "count failed, again in" in caplog.text
    assert "no route" in caplog.text


async def test_stopping_waits_for_the_end_of_a_step() -> None:
    ended: list[str] = []
    started = asyncio.Event()

    async def step() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")

    duty = Duty("wait", 0, step)
    duty.start()
    await started.wait()
    await duty.stop()

    assert ended == ["cleaned up"]
