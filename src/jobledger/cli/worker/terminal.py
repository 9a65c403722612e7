"""The terminal that a process was started from: whether it is still there."""

from __future__ import annotations

import os
import signal


class Terminal:
    """Tells a terminal that hung up from a ``kill -HUP``: both are SIGHUP.

    Attributes:
        may_go: the process was started by ``nohup``, so it outlives its terminal.
    """

    def __init__(self) -> None:
        """Look for it, before SIGHUP is handled."""
        self.may_go = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._here = _is_here()

    def went(self) -> bool:
        """Whether it has hung up since this was last asked."""
        was_here, self._here = self._here, self._here and _is_here()
        return was_here and not self._here


def _is_here() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
