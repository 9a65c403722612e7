"""Attempts begin at once: their tasks take their first step where they are made."""

from __future__ import annotations

import asyncio
import sys
from contextvars import copy_context
from typing import Any

import pytest

from jobledger._runtime.eager import begin

AT_ONCE = sys.version_info >= (3, 12)


async def test_the_first_step_is_taken_at_once() -> None:
    steps: list[str] = []
    gate = asyncio.Event()

    async def work() -> None:
        steps.append("begun")
        await gate.wait()
        steps.append("done")

    task = begin(work(), copy_context())
    assert steps == (["begun"] if AT_ONCE else [])
    assert task is not None
    gate.set()
    await task
    assert steps == ["begun", "done"]


async def test_a_loop_that_makes_tasks_in_its_own_way_is_asked_for_one() -> None:
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine.__name__)
        return asyncio.Task(coroutine, loop=loop, **options)

    async def work() -> None:
        made.append("begun")

    asyncio.get_running_loop().set_task_factory(factory)
    task = begin(work(), copy_context())
    assert made == ["work"]
    assert task is not None
    await task


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_the_first_step_ends_the_loop_and_not_whoever_began_it(error: type[BaseException]) -> None:
    """That is the door, which must go on until all is told that was committed."""
    went_on: list[bool] = []

    async def interrupted() -> None:
        raise error

    async def main() -> None:
        begin(interrupted(), copy_context())
        went_on.append(True)
        await asyncio.Event().wait()

    loop = asyncio.new_event_loop()
    with pytest.raises(error):
        loop.run_until_complete(main())
    _ended(loop)
    assert went_on == [True]


def _ended(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()
