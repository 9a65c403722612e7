"""An event loop whose connections notice that the other end has gone without a word, and end with their process."""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import weakref
from typing import Any, Final

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
_transports: Final[weakref.WeakSet[asyncio.BaseTransport]] = weakref.WeakSet()


class WatchfulLoop(asyncio.SelectorEventLoop):
    """Sets the options of its connections; the driver does not."""

    def __init__(self) -> None:
        """Nothing is connected."""
        self._watched = selectors.DefaultSelector()
        super().__init__(self._watched)

    def has_news(self) -> bool:
        """Whether the other end of a connection has said something, or ended it, while this loop stood still."""
        return bool(self._watched.select(0))

    async def create_connection(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the standard library's
        """As :meth:`asyncio.loop.create_connection`."""
        transport, protocol = await super().create_connection(*args, **kwargs)
        _watch(transport.get_extra_info("socket"))
        _transports.add(transport)
        return transport, protocol

    async def create_unix_connection(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """As :meth:`asyncio.loop.create_unix_connection`."""
        transport, protocol = await super().create_unix_connection(*args, **kwargs)
        _transports.add(transport)
        return transport, protocol


def _watch(connection: socket.socket) -> None:
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
    for transport in list(_transports):
        number = transport.get_extra_info("socket").fileno()
        if number >= 0:
            os.dup2(nothing, number, inheritable=False)
    os.close(nothing)


os.register_at_fork(after_in_child=_leave_to_parent)
