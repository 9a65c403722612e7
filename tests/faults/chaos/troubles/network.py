"""The ways to the server: connections are cut, and nothing arrives."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from typing import TYPE_CHECKING

from tests.faults.postgres.proxy import Fate, Proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from tests.faults.chaos.crew import Crew
    from tests.faults.chaos.settings import Fault, Settings

_CUTS = 0.05
"""The share of what is sent that a cut hits."""


class Ways:
    """Proxies in a thread of their own.

    Args:
        url: of the store, by TCP.
        number: how many.
    """

    def __init__(self, url: str, number: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ways")
        self._proxies = [Proxy(url) for _ in range(number)]

    def __enter__(self) -> Self:
        self._thread.start()
        for proxy in self._proxies:
            asyncio.run_coroutine_threadsafe(proxy.__aenter__(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for proxy in self._proxies:
            proxy.proceed()
            asyncio.run_coroutine_threadsafe(proxy.__aexit__(kind, error, trace), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __len__(self) -> int:
        return len(self._proxies)

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(proxy.url for proxy in self._proxies)

    def at(self, number: int, do: Callable[[Proxy], object]) -> None:
        """Do something to one of them, where it runs."""
        self._loop.call_soon_threadsafe(do, self._proxies[number])


class Cut:
    """One way is cut now and then: before what was sent arrives, after it, or it arrives late."""

    name: Fault = "cut"
    lasts = 2.0

    def __init__(self, ways: Ways, crew: Crew, settings: Settings) -> None:
        self._ways = ways
        self._crew = crew
        self._chance = random.Random(f"{settings.seed}:cut")
        self._way = 0

    def begin(self) -> list[int]:
        self._way = self._chance.randrange(len(self._ways))
        dice = random.Random(self._chance.random())

        def fate(_: bytes) -> Fate:
            fates = (Fate.BEFORE, Fate.AFTER, Fate.LATE)
            return dice.choice(fates) if dice.random() < _CUTS else Fate.ARRIVES

        def begin(proxy: Proxy) -> None:
            proxy.fate = fate
            proxy.reset()

        self._ways.at(self._way, begin)
        return _by(self._way, self._ways, self._crew)

    def end(self) -> int:
        def end(proxy: Proxy) -> None:
            proxy.fate = lambda _: Fate.ARRIVES

        self._ways.at(self._way, end)
        return time.monotonic_ns()


class Stall:
    """Nothing arrives any more by one way, in either direction, for longer than a lease."""

    name: Fault = "stall"

    def __init__(self, ways: Ways, crew: Crew, settings: Settings) -> None:
        self.lasts = 2.0 * settings.lease
        self._ways = ways
        self._crew = crew
        self._chance = random.Random(f"{settings.seed}:stall")
        self._way = 0

    def begin(self) -> list[int]:
        self._way = self._chance.randrange(len(self._ways))
        self._ways.at(self._way, Proxy.stall)
        return _by(self._way, self._ways, self._crew)

    def end(self) -> int:
        self._ways.at(self._way, Proxy.proceed)
        return time.monotonic_ns()


def _by(way: int, ways: Ways, crew: Crew) -> list[int]:
    """Who takes a way; the last one is the submitter's."""
    return [worker.pid for worker in crew.workers if worker.place % (len(ways) - 1) == way]
