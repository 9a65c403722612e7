"""A function in a thread: what it returns or raises is had on the loop, and one that nobody waits for is not run."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from jobledger._runtime.threads import OneThread, in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def one() -> Iterator[OneThread]:
    thread = OneThread("one")
    yield thread
    thread.end()


async def test_an_answer_comes_back(one: OneThread) -> None:
    here = threading.get_ident()
    assert await in_thread(one, threading.get_ident) != here


async def test_an_error_is_raised_where_it_is_awaited(one: OneThread) -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(one, lambda: 1 / 0)


async def test_what_is_cancelled_before_its_turn_is_not_run(one: OneThread) -> None:
    gate, ran = threading.Event(), list[int]()
    first = in_thread(one, gate.wait)
    second = in_thread(one, lambda: ran.append(2))
    second.cancel()
    gate.set()
    assert await first
    await in_thread(one, lambda: ran.append(3))
    assert ran == [3]


async def test_what_is_cancelled_while_it_runs_ends_in_its_thread(one: OneThread) -> None:
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


async def test_it_ends_when_all_is_done_that_was_given(one: OneThread) -> None:
    gate, ran = threading.Event(), list[threading.Thread]()
    first = in_thread(one, gate.wait)
    last = in_thread(one, lambda: ran.append(threading.current_thread()))
    one.end()
    gate.set()
    assert await first
    await last
    await asyncio.to_thread(ran[0].join, 10)
    assert not ran[0].is_alive()
