"""The loop under a simulation: virtual time, an order by seed, and an end to waiting for nothing."""

import asyncio
import random

import pytest

from tests.faults.chaos.pause import pause
from tests.faults.simulation.loop import Deadlock, SeededLoop


def looped(seed: int = 0, *, is_orderly: bool = False) -> SeededLoop:
    return SeededLoop(random.Random(seed), is_orderly=is_orderly)


async def three(heard: list[int]) -> None:
    async def one(number: int) -> None:
        heard.append(number)

    await asyncio.gather(*(one(number) for number in range(3)))


def order(seed: int, *, is_orderly: bool) -> tuple[int, ...]:
    loop, heard = looped(seed, is_orderly=is_orderly), list[int]()
    loop.run(three(heard))
    loop.end()
    return tuple(heard)


def test_an_hour_is_over_at_once() -> None:
    loop = looped()
    loop.run(pause(3600))
    assert loop.time() == 3600
    loop.end()


def test_the_seed_decides_the_order() -> None:
    assert {order(seed, is_orderly=False) for seed in range(20)} > {(0, 1, 2), (2, 1, 0)}
    assert {order(seed, is_orderly=True) for seed in range(20)} == {(0, 1, 2)}


def test_whoever_waits_for_nothing_is_named() -> None:
    async def waiting() -> None:
        await asyncio.get_running_loop().create_task(never(), name="somebody")

    async def never() -> None:
        await asyncio.get_running_loop().create_future()

    loop = looped()
    with pytest.raises(Deadlock, match="somebody"):
        loop.run(waiting())
    loop.end()


def test_an_error_that_nobody_looks_at_is_kept() -> None:
    async def failing() -> None:
        raise ZeroDivisionError

    async def careless() -> None:
        task = asyncio.get_running_loop().create_task(failing(), name="the culprit")
        await pause(1)
        assert task.done()

    loop = looped()
    loop.run(careless())
    loop.end()
    assert loop.broken == ["the culprit: ZeroDivisionError()"]


def test_what_is_abandoned_ends_with_its_loop() -> None:
    """All its finally blocks run then, and not when somebody else's memory is collected."""
    ended: list[str] = []

    async def stubborn() -> None:
        try:
            await pause(10)
        finally:
            await pause(1)
            ended.append("never said")

    async def leaving() -> None:
        task = asyncio.get_running_loop().create_task(stubborn())
        await pause(1)
        assert not task.done()

    loop = looped()
    loop.run(leaving())
    loop.end()
    assert ended == []
