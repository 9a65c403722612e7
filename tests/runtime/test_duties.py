"""A duty is repeated until it is stopped, whatever happens in it."""

import asyncio
import logging
import re

import pytest

from jobledger._runtime.lifecycle import Duty
from jobledger.errors import SchemaTooNew
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


async def test_a_failure_is_said_once_for_each_change_of_state(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full for an hour is worth a few lines, not one for each try."""
    monkeypatch.setattr("jobledger._runtime.lifecycle._LONGEST_PAUSE", 0.001)
    script = ["full", "full", "full", "busy", "busy", "", "", "full", "full", ""]
    done: list[str] = []

    async def step() -> None:
        what = script[len(done)] if len(done) < len(script) else ""
        done.append(what)
        if what:
            raise OSError(what)

    duty = Duty("count", 0.001, step)
    with caplog.at_level(logging.INFO):
        duty.start()
        await until(lambda: len(done) > len(script), "all of it has happened")
    await duty.stop()

    told = [re.sub(r", again in .* s", "", record.getMessage()) for record in caplog.records]
    again, full, busy = "count works again", "count failed: full", "count failed: busy"
    assert told == [full, busy, again, full, again]


async def test_what_no_later_try_can_mend_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    """The door tells, and ends the worker."""
    steps: list[int] = []

    async def step() -> None:
        steps.append(len(steps))
        raise SchemaTooNew

    duty = Duty("count", 0, step)
    with caplog.at_level(logging.WARNING):
        duty.start()
        await until(lambda: duty._task is not None and duty._task.done(), "it has ended")
    await duty.stop()

    assert (len(steps), caplog.records) == (1, [])


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


async def test_a_nudge_ends_the_pause() -> None:
    steps: list[int] = []

    async def step() -> None:
        steps.append(len(steps))

    duty = Duty("count", 3600, step)
    duty.nudge()
    duty.start()
    for number in range(1, 4):
        await until(lambda: len(steps) == number, "the next step is done")  # noqa: B023 - waited for at once
        duty.nudge()
    await until(lambda: len(steps) == 4, "the last nudge is answered")
    await duty.stop()


async def test_a_nudge_during_a_step_is_answered_by_another_step() -> None:
    """What it tells of may have come too late for the step that is going on."""
    steps: list[int] = []
    go_on = asyncio.Event()

    async def step() -> None:
        steps.append(len(steps))
        await go_on.wait()

    duty = Duty("count", 3600, step)
    duty.start()
    await until(lambda: steps, "the first step is going on")
    for _ in range(5):
        duty.nudge()
    go_on.set()
    await until(lambda: len(steps) == 2, "the second step is done")
    await duty.stop()
    assert len(steps) == 2
