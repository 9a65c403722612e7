"""Play an incident: calm at first, then broken until every alert has fired that must, then mended until none fires."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.faults.chaos.pause import pause
from tests.observability.incidents.firing import Firing, fired, firing_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.observability.incidents.deployment import Deployment
    from tests.observability.incidents.incident import Incident
    from tests.observability.prometheus import Prometheus

CALM: Final = 70
"""Minutes of the story, divided as the rules are, that must pass without an alert: longer than the longest window."""
LATEST: Final = 90
"""Minutes after which an alert that has not fired is missing."""
AFTERWARDS: Final = 15
"""Minutes more, for those that should not fire."""
MENDED: Final = 150
"""Minutes after which an alert that still fires does so falsely."""
_LOOK: Final = 0.25


@dataclass(frozen=True)
class Verdict:
    """What came of an incident.

    Attributes:
        incident: that was played.
        broken: when, in seconds since 1970.
        mended: when.
        firings: all alerts of its deployment, from the first scrape on.
        still: those that had not ended when it was given up.
    """

    incident: Incident
    broken: float
    mended: float
    firings: list[Firing]
    still: set[str]

    @property
    def missing(self) -> list[str]:
        """Alerts that had to fire, and did not after it was broken."""
        after = {one.name for one in self.firings if one.first >= self.broken}
        return [name for name in (*self.incident.must, *self.incident.after) if name not in after]

    @property
    def unexpected(self) -> list[str]:
        """Alerts that fired and should not have: no part of the incident, or too early for it."""
        return [one.name for one in self.firings if one.first < self.broken or not self.incident.expects(one.name)]

    @property
    def right(self) -> bool:
        return not (self.missing or self.unexpected or self.still)


async def played(incident: Incident, deployment: Deployment, prometheus: Prometheus, factor: int) -> Verdict:
    """From the calm before it to the calm after it."""
    job, began = incident.name, time.time()

    async def until(condition: Callable[[set[str]], bool], minutes: float) -> set[str]:
        """Wait until the alerts that fire meet a condition, or so many minutes are over."""
        deadline = time.monotonic() + minutes * 60 / factor
        while True:
            now = await asyncio.to_thread(firing_now, prometheus, job)
            if condition(now) or time.monotonic() > deadline:
                return now
            await pause(_LOOK)

    seen: set[str] = set()

    def all_seen(now: set[str]) -> bool:
        seen.update(now)
        return seen.issuperset(incident.must)

    def all_over(now: set[str]) -> bool:
        seen.update(now)
        return not now and seen.issuperset(incident.after)

    await until(lambda _: False, CALM)
    broken = time.time()
    await incident.breaks(deployment)
    await until(all_seen, LATEST)
    await until(lambda _: False, AFTERWARDS)
    mended = time.time()
    await incident.mends(deployment)
    still = await until(all_over, MENDED)
    firings = await asyncio.to_thread(fired, prometheus, job, began, time.time())
    return Verdict(incident, broken, mended, firings, still)
