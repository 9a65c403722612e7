"""The server's clock as this process knows it: asked at each batch, and reckoned in between."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from jobledger._clock import SystemClock
from jobledger._types import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._types import Micros

SLACK: Final[Micros] = SECOND
"""How far a reckoning may be from the server's clock; a batch that is further off is made again."""
_DRIFT: Final = 2000
"""Two clocks part by less than one in so many."""


class ServerClock:
    """Microseconds of the server, never ahead of it, and going back only where it was itself set back.

    Args:
        fixed: a clock to use instead, as tests do.
    """

    def __init__(self, fixed: Callable[[], Micros] | None = None) -> None:
        """Nothing is known yet."""
        self._fixed = fixed
        self._uptime = SystemClock().uptime
        self._offset: Micros | None = None
        self._learnt_at: Micros = 0
        self._last: Micros = 0

    @property
    def slack(self) -> Micros | None:
        """How near a reckoning must be; None: it is no reckoning."""
        return None if self._fixed is not None else SLACK

    @property
    def is_known(self) -> bool:
        """Whether there is a time to reckon from."""
        return self._fixed is not None or self._offset is not None

    @property
    def here(self) -> Micros:
        """This machine's own time, which never goes back: when a question is asked."""
        return round(self._uptime() * SECOND)

    def learn(self, server: Micros, asked: Micros | None = None) -> Micros:
        """The server has just said what time it is: on the way to here it has got later, so this is never ahead.

        The answer that was fastest is the nearest, but clocks drift apart. One that is set back has to be believed: to
        stand still until it has caught up would stop all delays and retries for as long. A slow answer is no proof of
        that: it takes one that is too early even if it was given at the very moment of the question.

        Args:
            server: what it said.
            asked: :attr:`here`, as it was before it was asked.
        """
        here = self.here
        said = server - here
        if asked is not None and self._offset is not None and self._offset - (server - asked) > SLACK:
            self._last = 0
        if self._offset is None or self._offset - said > SLACK:
            self._offset = said
        else:
            self._offset = max(said, self._offset - (here - self._learnt_at) // _DRIFT)
        self._learnt_at = here
        return self.now()

    def now(self) -> Micros:
        """The time of a batch that is made now."""
        if self._fixed is not None:
            moment = self._fixed()
        elif self._offset is None:
            moment = time.time_ns() // 1000
        else:
            moment = self._offset + self.here
        self._last = max(self._last, moment)
        return self._last
