"""A function in a thread: what it returns or raises is had on the loop, and one that nobody waits for is not run."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from jobledger._runtime.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def one() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def test_an_answer_comes_back(one: ThreadPoolExecutor) -> None:
    here = threading.get_ident()
    assert await in_thread(one, threading.get_ident) != here


async def test_an_error_is_raised_where_it_is_awaited(one: ThreadPoolExecutor) -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(one, lambda: 1 / 0)


async def test_what_is_cancelled_before_its_turn_is_not_run(one: ThreadPoolExecutor) -> None:
    gate, ran = threading.Event(), list[int]()
    first = in_thread(one, gate.wait)
    second = in_thread(one, lambda: ran.append(2))
    second.cancel()
    gate.set()
    assert await first
    await in_thread(one, lambda: ran.append(3))
    assert ran == [3]


async def test_what_is_cancelled_while_it_runs_ends_in_its_thread(one: ThreadPoolExecutor) -> None:
    begun, gate, ran = threading.Event(), threading.Event(), list[int]()

    def work() -> None:
        begun.set()
        gate.wait()
        ran.append(1)

    running = in_thread(one, work)
    await asyncio.to_thread(begun.wait)
    running.cancel()
    gate.set()
    await in_thread(one, lambda: None)
    assert ran == [1]
