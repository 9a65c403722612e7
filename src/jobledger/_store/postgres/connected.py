"""Connections that notice that the other end has gone without a word, and end with their process."""

from __future__ import annotations

import os
import select
import socket
import weakref
from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    import asyncio

    Base = asyncpg.Connection[asyncpg.Record]
else:
    Base = asyncpg.Connection

_OPTIONS: Final = {
    "TCP_KEEPIDLE": 5,
    "TCP_KEEPALIVE": 5,  # the same on macOS
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 10_000,
}
"""A machine that answers nothing for ten seconds is gone, whether something was sent to it or not.

One that is busy, or whose server stands still, still confirms what it gets.
"""


class WatchedConnection(Base):
    """On any loop; the driver sets no options of its sockets."""

    def __init__(self, protocol: Any, transport: asyncio.Transport, *others: Any) -> None:  # noqa: ANN401 - asyncpg's
        """Connected; if it is of no use, its transport is ended, which the driver leaves to nobody."""
        try:
            super().__init__(protocol, transport, *others)
            self._socket: Any = transport.get_extra_info("socket")
            if self._socket is not None:
                _watch(self._socket)
                _sockets[self] = self._socket
        except BaseException:
            transport.abort()
            raise

    def has_news(self) -> bool:
        """Whether the server has said something, or ended the connection, and the loop has not heard it yet."""
        number = self._socket.fileno() if self._socket is not None else -1
        if number < 0:
            return False
        if not hasattr(select, "poll"):
            return True
        waiting = select.poll()
        waiting.register(number, select.POLLIN)
        return bool(waiting.poll(0))


_sockets: Final[weakref.WeakKeyDictionary[WatchedConnection, Any]] = weakref.WeakKeyDictionary()
"""Not all transports can be weakly referenced, and a closed one has no socket; the number of a closed socket is -1."""


def _watch(connection: socket.socket) -> None:
    if connection.family == socket.AF_UNIX:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        option: int | None = getattr(socket, name, None)
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _leave_to_parent() -> None:
    """In a forked child: if it kept the connections open, the server would not see it when the parent is killed.

    Nothing may be said on them, and their numbers stay taken, since objects that know them close them some day.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for connection in list(_sockets.values()):
        number = connection.fileno()
        if number >= 0:
            os.dup2(nothing, number, inheritable=False)
    os.close(nothing)


os.register_at_fork(after_in_child=_leave_to_parent)
