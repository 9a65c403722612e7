"""Uvicorn, as `jobledger serve` runs it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.applications import Starlette


class Server(uvicorn.Server):
    """A server that says when it is ready.

    Args:
        config: what it serves.
        ready: called once, when requests are answered.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        """Not started."""
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def run(asgi: Starlette, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until a signal.

    On SIGTERM the server ends gracefully, and then lets the signal do what it would have done without it.
    """
    signal.signal(signal.SIGTERM, _leave)
    Server(uvicorn.Config(asgi, log_level="warning", lifespan="on"), ready).run(sockets=[listener])


def _leave(*_: object) -> NoReturn:
    sys.exit(0)
