"""The child's end of the line to its supervisor."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from jobledger.cli.worker.line import encoded
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger.cli.worker.line import Said

log = logging.getLogger("jobledger.worker")
STUCK: Final = 70
"""The exit code of a worker whose code did not stop (EX_SOFTWARE of sysexits.h)."""


class Lifeline:
    """Says how the worker is, and notices that the supervisor is dead.

    The watch is a thread: it also ends a process whose event loop stands still, or that is still importing.

    Args:
        descriptor: the inherited end.
        patience: seconds from the supervisor's death to the end of this process, whatever it does.

    Raises:
        InvalidOption: the descriptor is no such end.
    """

    def __init__(self, descriptor: int, patience: float) -> None:
        """Watch from now on."""
        self._line = _taken(descriptor)
        self._patience = patience
        self._lost = False
        self._stop: Callable[[], object] | None = None
        self._turn = threading.Lock()
        threading.Thread(target=self._watch, name="jobledger lifeline", daemon=True).start()

    def say(self, said: Said) -> None:
        """Tell the supervisor; if it is dead, the watch sees to that."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._line.sendall(encoded(said))

    def when_lost(self, stop: Callable[[], object]) -> None:
        """What to call, from the watch's thread, when the supervisor is dead."""
        with self._turn:
            self._stop = stop
            lost = self._lost
        if lost:
            stop()

    def _watch(self) -> None:
        while self._line.recv(64):
            pass
        with self._turn:
            self._lost = True
            stop = self._stop
        log.warning("the supervisor is dead: stopping, too")
        if stop is not None:
            stop()
        threading.Event().wait(min(self._patience, threading.TIMEOUT_MAX))
        log.critical("still running %g s after the supervisor's death: leaving now", self._patience)
        os._exit(STUCK)


def _taken(descriptor: int) -> socket.socket:
    """The line, kept from the processes that handlers start: who has it could speak in this worker's name."""
    try:
        line = socket.socket(fileno=descriptor)
        line.set_inheritable(False)
    except OSError as error:
        raise InvalidOption(
            "--supervised is what a supervisor gives to the workers that it starts: use --processes N"
        ) from error
    return line


def stand_apart() -> None:
    """Live in a process group of one's own, without being ended or stopped by that.

    SIGHUP is for the supervisor; a child gets it by ``pkill -HUP``, or from the kernel when its supervisor dies while
    both are suspended. It has a handler, and is not ignored, so that programs which handlers start get it back.
    SIGTTOU would stop the child at its next log line on a terminal with ``stty tostop``.
    """
    signal.signal(signal.SIGHUP, _leave_it_to_the_supervisor)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)


def _leave_it_to_the_supervisor(*_: object) -> None:
    pass
