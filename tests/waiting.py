"""Waiting for a condition. Only here does a test let time pass; everywhere else it waits for an event."""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

PAUSE = 0.005


async def until(condition: Callable[[], object | Awaitable[object]], description: str, timeout: float = 10) -> None:
    """Wait until the condition holds; a coroutine function may be given."""
    deadline = time.monotonic() + timeout
    never = asyncio.get_running_loop().create_future()
    while True:
        holds = condition()
        if await holds if inspect.isawaitable(holds) else holds:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:g} s in vain until {description}")
        await asyncio.wait([never], timeout=PAUSE)


def until_blocking(condition: Callable[[], object], description: str, timeout: float = 10) -> None:
    """The synchronous twin."""
    deadline = time.monotonic() + timeout
    never = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:g} s in vain until {description}")
        never.wait(PAUSE)
