"""The lease: a thread of its own shows that this worker lives, whatever its handlers do."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from jobledger.errors import Fenced

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("jobledger.worker")
RENEWALS: Final = 4
"""Renewals in the time of one lease."""
TRUSTED: Final = 0.9
"""The share of a lease for which it is trusted without a renewal: code gets the rest to stop, before others start."""
WEDGED_SECONDS: Final = 60.0
"""A loop that has not run for so long will not run its jobs: it must lose them."""


class Liveness:
    """Renews the lease four times in its time, while the event loop runs.

    Args:
        renew: shows that this worker lives; may raise Fenced, OSError or StoreError.
        lease: seconds that others bear its silence.
        stalled: seconds since the loop last ran.
        doubt: called in the thread after a silence of a whole lease: others may have taken over; or when they have.
        clock: seconds on a clock that also counts the time when the machine sleeps.
    """

    def __init__(
        self,
        renew: Callable[[], None],
        lease: float,
        stalled: Callable[[], float],
        doubt: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """Not started."""
        self._renew = renew
        self._lease = lease
        self._stalled = stalled
        self._doubt = doubt
        self._clock = clock
        self._ended = threading.Event()
        self._renewed = clock()
        self._failing = False

    def start(self) -> None:
        """Begin to renew."""
        self.begin()
        threading.Thread(target=self._run, name="jobledger lease", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()

    def has_lapsed(self) -> bool:
        """Whether no renewal has come through for nearly a whole lease: others may soon run this worker's jobs."""
        return self._clock() - self._renewed > TRUSTED * self._lease

    def begin(self) -> None:
        """The lease of a new writer begins now."""
        self._renewed = self._clock()

    def step(self) -> None:
        """One renewal. Counted from before it is sent, as others may see it as early as that."""
        began = self._clock()
        wedged = self._stalled() > WEDGED_SECONDS
        try:
            if not wedged:
                self._renew()
        except Fenced as error:
            self._say(failing=True, why=str(error))
            self._doubt()
        except Exception as error:  # noqa: BLE001 - this thread must go on: whatever it is may pass
            self._say(failing=True, why=str(error))
        else:
            self._say(failing=wedged, why=f"the event loop has not run for {WEDGED_SECONDS:.0f} s")
            if wedged:
                return
            silence, self._renewed = began - self._renewed, began
            if silence > self._lease:
                log.warning("this worker was silent for %.0f s: others may have its jobs now", silence)
                self._doubt()

    def _run(self) -> None:
        while not self._ended.wait(self._lease / RENEWALS):
            self.step()

    def _say(self, *, failing: bool, why: str) -> None:
        """Once, not at each step."""
        if failing and not self._failing:
            log.error("the lease is not renewed, so others will take these jobs over: %s", why)
        self._failing = failing
