"""The kill: one of the workers, in the middle of its work."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger.cli.demo.handlers import WATCH

if TYPE_CHECKING:
    from jobledger.cli.demo.crew import Crew, WorkerProcess
    from jobledger.cli.demo.sightings import Sightings

_LOOKS: Final = 20
_LOOK_SECONDS: Final = 0.005


class Kill(msgspec.Struct, frozen=True):
    """What was done.

    Attributes:
        pid: the worker that was killed.
        at: when, by the wall clock, right before the signal was sent.
        moment: the same on the monotonic clock.
        ended: so many jobs had ended by then.
        replacement: the worker that was started in its place.
    """

    pid: int
    at: datetime
    moment: float
    ended: int
    replacement: int


async def strike(crew: Crew, sightings: Sightings, ended: int) -> Kill | None:
    """Kill a worker that is in the middle of an attempt, and start another one; None if there is none such.

    A look is older than the kill, if only by a little: the attempt that was seen may have ended in between. What is
    reported is what was lost, not what was meant.
    """
    for _ in range(_LOOKS):
        sightings.look()
        victim = _busy(crew, sightings)
        if victim is not None:
            at, moment = datetime.now(UTC), time.monotonic()
            victim.kill()
            replacement = await crew.start()
            return Kill(victim.pid, at, moment, ended, replacement.pid)
        await asyncio.sleep(_LOOK_SECONDS)
    return None


def _busy(crew: Crew, sightings: Sightings) -> WorkerProcess | None:
    """Not the one that watches, or did: what becomes of a request to cancel is another story.

    Its end may be seen and not committed yet, and an attempt that was to be cancelled is not made again.
    """
    if not all(worker.works for worker in crew.workers):
        return None
    for worker in crew.workers:
        if sightings.running(worker.pid) and not sightings.has_run(worker.pid, WATCH):
            return worker
    return None
