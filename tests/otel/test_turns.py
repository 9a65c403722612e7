"""Of many workers one pushes in each interval, whoever comes first; a turn that comes to nothing costs one interval."""

from contextlib import AsyncExitStack
from typing import Any

from jobledger import App, Telemetry
from jobledger._clock import SystemClock
from tests.otel.receiver import Receiver
from tests.waiting import until

MINUTE = 60
NANOS = 1_000_000_000


class Hand(SystemClock):
    """A clock that the test turns; chance is always the same."""

    at = 1_700_000_040.0

    def now(self) -> int:
        return round(self.at * 1_000_000)

    def monotonic(self) -> float:
        return self.at

    def sample(self) -> float:
        return 0.0


async def workers(stack: AsyncExitStack, url: str, receiver: Receiver, clock: Hand, count: int) -> list[App]:
    found = []
    for _ in range(count):
        telemetry = Telemetry(spans="off", interval=MINUTE, endpoint=f"{receiver.url}/v1/metrics")
        app = App(url, telemetry=telemetry, clock=clock)
        app.job("work")(lambda: None)
        node = await stack.enter_async_context(app.worker())
        (duty,) = (duty for duty in node._duties if duty.name == "push")
        await duty.stop()  # from here on the test says when it asks
        found.append(app)
    return found


async def asked(app: App) -> None:
    """It has asked for the turn of this interval; as often as it likes."""
    assert app._node is not None
    pusher = app._node.pusher
    assert pusher is not None
    await until(lambda: pusher._sending is None or not pusher._sending.is_alive(), "it has sent what it had")
    await pusher.step()


def intervals(receiver: Receiver) -> list[int]:
    return [push.at // (MINUTE * NANOS) for push in receiver.pushes]


async def test_each_interval_has_one_push(url: str, receiver: Receiver) -> None:
    clock = Hand()
    first = round(clock.at) // MINUTE
    async with AsyncExitStack() as stack:
        apps = await workers(stack, url, receiver, clock, 3)
        for number in range(6):
            for app in (*apps[number % 3 :], *apps):
                await asked(app)
            await until(lambda number=number: len(receiver.pushes) > number, f"push {number} has come")  # type: ignore[misc]
            clock.at += MINUTE
    assert intervals(receiver) == list(range(first, first + 6))


async def test_a_turn_whose_worker_dies_is_the_only_one_missing(url: str, receiver: Receiver) -> None:
    clock = Hand()
    first = round(clock.at) // MINUTE
    dying = App(url, clock=clock)
    dying.job("work")(lambda: None)
    async with AsyncExitStack() as stack:
        async with dying.worker():
            door = dying._opened_door()
            turn = await dying._threads.write(lambda: door.store.take_turn(door.writer_id or 0, MINUTE * 1_000_000))
            assert turn.mine
        apps = await workers(stack, url, receiver, clock, 2)
        for _ in range(2):
            for app in apps:
                await asked(app)
            clock.at += MINUTE
        await until(lambda: receiver.pushes, "the next interval's push has come")
    assert intervals(receiver) == [first + 1]


async def test_who_was_stopped_in_between_does_not_push_into_anothers_interval(url: str, receiver: Receiver) -> None:
    clock = Hand()
    first = round(clock.at) // MINUTE
    async with AsyncExitStack() as stack:
        frozen, other = await workers(stack, url, receiver, clock, 2)
        for app in (frozen, other):  # either may have the turn since it began to work
            await asked(app)
        await until(lambda: len(receiver.pushes) == 1, "the push of this interval has come")
        clock.at += MINUTE
        pusher = frozen._node.pusher  # type: ignore[union-attr]
        assert pusher is not None
        really = pusher._exemplars

        async def late(limit: int) -> Any:
            clock.at += MINUTE
            await asked(other)
            await until(lambda: len(receiver.pushes) == 2, "the other one has pushed")
            return await really(limit)

        pusher._exemplars = late
        await asked(frozen)
        pusher._exemplars = really
    assert intervals(receiver) == [first, first + 2]
