"""Pushing the metrics of the store: the worker that takes the turn of an interval does it, and no other."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from jobledger._metrics.exemplars import EXEMPLAR_JOBS
from jobledger._telemetry.tracing import missing
from jobledger._types import micros, seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from typing import Protocol

    from opentelemetry.sdk.metrics.export import MetricsData

    from jobledger._clock import Clock
    from jobledger._core.observations import Observation
    from jobledger._core.reads import LedgerRead
    from jobledger._store.commit import Door
    from jobledger._store.contract import Turn
    from jobledger._telemetry.exporter import Exporter
    from jobledger._telemetry.settings import Telemetry
    from jobledger._types import Micros

    class Convert(Protocol):
        """As :func:`jobledger._metrics.otlp.metrics_data`."""

        def __call__(
            self, read: LedgerRead, exemplars: Iterable[Observation], resource: Mapping[str, str], *, messaging: bool
        ) -> MetricsData:
            """What the exporter takes."""
            ...


log = logging.getLogger("jobledger.telemetry")
_LONGEST_PAUSE: Final = 1.0
_SPREAD: Final = 0.1
"""The share of an interval in which workers ask for its turn, so that they don't all do it at once."""


class Pusher:
    """Asks once an interval whether the push is this worker's; then reads the books and sends them.

    A turn that is taken and comes to nothing (its worker is killed, the collector is away) is not given to anybody
    else: the next interval has its own. Since the values are cumulative, nothing is lost with it.

    Args:
        door: asks for turns.
        read: the books; ``exemplars``: observations of so many of the latest jobs.
        clock: says when to ask.
        convert: makes of the books what is sent.
        exporter: sends it; in a thread of its own, which nobody waits for.
        settings: how often, and as what.

    Attributes:
        pause: seconds between two steps.
        pushes: pushes that were taken; ``failures``: those that were not.
    """

    def __init__(
        self,
        door: Door,
        read: Callable[[], Awaitable[LedgerRead]],
        exemplars: Callable[[int], Awaitable[tuple[Observation, ...]]],
        clock: Clock,
        convert: Convert,
        exporter: Exporter,
        settings: Telemetry,
    ) -> None:
        """The first turn is asked for at the first step."""
        self._door = door
        self._read = read
        self._exemplars = exemplars
        self._clock = clock
        self._convert = convert
        self._exporter = exporter
        self._settings = settings
        self._interval: Micros = micros(settings.every())
        self.pause = min(_LONGEST_PAUSE, settings.every() * _SPREAD)
        self.pushes = 0
        self.failures = 0
        self._next = clock.monotonic()
        self._pushed: Micros | None = None
        self._sending: threading.Thread | None = None
        self._failing = False
        self._stopped = False

    async def step(self) -> None:
        """Ask for a turn if it is time to. Who still sends doesn't: others may find the collector faster."""
        writer_id = self._door.writer_id
        is_busy = self._sending is not None and self._sending.is_alive()
        if self._clock.monotonic() < self._next or is_busy or writer_id is None:
            return
        asked = self._clock.monotonic()
        turn = await self._door.run(lambda: self._door.store.take_turn(writer_id, self._interval))
        if turn.mine and turn.begin != self._pushed:
            await self._push(turn)
        spread = self._clock.sample() * _SPREAD * seconds(self._interval)
        self._next = asked + seconds(turn.end - turn.now) + spread

    def stop(self) -> None:
        """Send nothing more; what is being sent is not waited for."""
        self._stopped = True
        self._exporter.shut()

    def measured(self) -> Mapping[str, float]:
        """For the numbers of this process."""
        return {"pushes": self.pushes, "push_failures": self.failures}

    async def _push(self, turn: Turn) -> None:
        observations = await self._exemplars(EXEMPLAR_JOBS)  # before the books: then each of them is counted there
        read = await self._read()
        if not turn.begin <= read.as_of < turn.end:
            return  # this process was stopped in between: what it has read belongs into another one's interval
        self._pushed = turn.begin
        self._sending = threading.Thread(
            target=self._send, args=(read, observations), name="jobledger push", daemon=True
        )
        self._sending.start()

    def _send(self, read: LedgerRead, observations: tuple[Observation, ...]) -> None:
        settings = self._settings
        try:
            data = self._convert(read, observations, settings.resource, messaging=settings.messaging)
            why = self._exporter.send(data)
        except Exception as error:
            log.critical("metrics can't be pushed; this is a bug", exc_info=error)
            self.failures += 1
            return
        if why is None:
            self.pushes += 1
        elif not self._stopped:
            self.failures += 1
        self._say(why)

    def _say(self, why: str | None) -> None:
        """Once, not at each push."""
        if why is not None and not self._failing and not self._stopped:
            log.warning("metrics are not pushed, and tried again at the next turn: %s", why)
        if why is None and self._failing:
            log.warning("metrics are pushed again")
        self._failing = why is not None


def pusher_of(
    telemetry: Telemetry | None,
    door: Door,
    read: Callable[[], Awaitable[LedgerRead]],
    exemplars: Callable[[int], Awaitable[tuple[Observation, ...]]],
    clock: Clock,
) -> Pusher | None:
    """What a worker pushes with; None if it doesn't.

    Raises:
        InvalidOption: OpenTelemetry is asked for, and not installed, or a variable of its own is none.
    """
    if telemetry is None or not telemetry.pushes:
        return None
    try:
        from jobledger._metrics.otlp import metrics_data
        from jobledger._telemetry.exporter import Exporter
    except ModuleNotFoundError as error:
        raise missing(error) from error
    return Pusher(door, read, exemplars, clock, metrics_data, Exporter(telemetry.endpoint), telemetry)
