"""A handler sees the context variables of the block that keeps its worker, never those of somebody who submits."""

import asyncio
from contextvars import ContextVar

import pytest

from jobledger import App

WHO: ContextVar[str] = ContextVar("who", default="nobody")


@pytest.mark.parametrize("is_async", [True, False])
async def test_requests_in_the_workers_process_leave_no_context_behind(app: App, *, is_async: bool) -> None:
    async def in_loop() -> str:
        return look()

    def look() -> str:
        seen = WHO.get()
        WHO.set("an earlier job")
        return seen

    work = app.job("work")(in_loop if is_async else look)

    async def request(number: int) -> object:
        WHO.set(f"request {number}")
        return await work.result(await work.submit(), wait=10)

    WHO.set("the worker")
    async with app.worker():
        seen = [await asyncio.create_task(request(number)) for number in range(3)]
    assert seen == ["the worker"] * 3
