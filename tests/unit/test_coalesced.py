"""Many who ask at once are few who are served: one is being made, one is next, and nobody gets an old one."""

from __future__ import annotations

import asyncio

import pytest

from jobledger._metrics.coalesced import Coalesced
from tests.waiting import until


class Maker:
    """Makes numbers, each when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.at_once = 0
        self.most_at_once = 0
        self.go = asyncio.Semaphore(0)
        self.error: Exception | None = None
        self.numbers = Coalesced(self.make)

    async def make(self) -> int:
        self.begun += 1
        number = self.begun
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.go.acquire()
        finally:
            self.at_once -= 1
        if self.error is not None:
            raise self.error
        return number

    async def asked(self, times: int = 1) -> list[asyncio.Task[int]]:
        tasks = [asyncio.create_task(self.numbers.get()) for _ in range(times)]
        for _ in range(5):
            await asyncio.sleep(0)
        return tasks


@pytest.fixture
async def maker() -> Maker:
    return Maker()


async def test_one_after_the_other_each_gets_a_new_one(maker: Maker) -> None:
    for number in (1, 2, 3):
        (asked,) = await maker.asked()
        maker.go.release()
        assert await asked == number


async def test_who_comes_while_one_is_made_gets_the_next(maker: Maker) -> None:
    (first,) = await maker.asked()
    others = await maker.asked(50)
    assert maker.begun == 1
    maker.go.release()
    assert await first == 1
    later = await maker.asked(3)
    assert maker.begun == 2
    maker.go.release()
    assert await asyncio.gather(*others) == [2] * 50
    maker.go.release()
    assert await asyncio.gather(*later) == [3] * 3
    assert (maker.begun, maker.most_at_once) == (3, 1)


async def test_who_comes_between_two_gets_the_second(maker: Maker) -> None:
    """The first is done, the next one was promised and has not begun."""
    (first,) = await maker.asked()
    (second,) = await maker.asked()
    maker.go.release()
    between = asyncio.create_task(maker.numbers.get())
    maker.go.release()
    assert [await task for task in (first, second, between)] == [1, 2, 2]
    assert maker.most_at_once == 1


async def test_an_error_goes_to_all_who_wait_and_to_nobody_else(maker: Maker) -> None:
    (first,) = await maker.asked()
    others = await maker.asked(2)
    maker.error = OSError("gone")
    maker.go.release()
    with pytest.raises(OSError, match="gone"):
        await first
    maker.error = None
    maker.go.release()
    assert await asyncio.gather(*others) == [2, 2]


async def test_who_goes_away_takes_it_from_nobody(maker: Maker) -> None:
    first, second = await maker.asked(1), await maker.asked(2)
    for task in (*first, second[0]):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    maker.go.release()
    maker.go.release()
    assert await second[1] == 2


async def test_an_error_that_nobody_waits_for_is_not_complained_about(
    maker: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    (asked,) = await maker.asked()
    asked.cancel()
    maker.error = OSError("gone")
    maker.go.release()
    await until(lambda: maker.at_once == 0, "it was made")
    maker.error = None
    (again,) = await maker.asked()
    maker.go.release()
    assert await again == 2
    assert not caplog.records


def test_one_loop_after_the_other() -> None:
    """What was begun in a loop that has ended is waited for by nobody."""
    numbers: list[int] = []

    async def make() -> int:
        numbers.append(len(numbers))
        if len(numbers) == 1:
            await asyncio.Event().wait()
        return len(numbers)

    made = Coalesced(make)

    async def leave() -> None:
        task = asyncio.create_task(made.get())
        await until(lambda: bool(numbers), "it is being made")
        task.cancel()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    assert asyncio.run(made.get()) == 2
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop), return_exceptions=True))
    loop.close()
