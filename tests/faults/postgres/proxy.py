"""A way to the server that can be broken: stalled, cut before or after an answer, or late."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

_CHUNK = 65_536
_LATE_SECONDS = 0.3
_GREETING = 16
"""Pieces of a login and of a connection's settings: these arrive, so that what is hit is work."""
_ANSWER_SECONDS = 5.0
_GONE = (OSError, asyncio.IncompleteReadError)


class Fate(Enum):
    """What becomes of something that a client sends."""

    ARRIVES = "it arrives"
    BEFORE = "the connection is reset, and it never arrives"
    AFTER = "it arrives, its answer does not: the connection is reset"
    LATE = "the connection is reset, and it arrives a little later all the same"


class Proxy:
    """Listens on a port of its own, and passes on.

    Args:
        url: of a database, by TCP.

    Attributes:
        fate: decides over each piece that a client sends, by the name that its connection gave at the start.
        fates: how often each was decided.
    """

    def __init__(self, url: str) -> None:
        self.fate: Callable[[bytes], Fate] = lambda _: Fate.ARRIVES
        self.fates: dict[Fate, int] = dict.fromkeys(Fate, 0)
        self._parts = urlsplit(url)
        self._open = asyncio.Event()
        self._open.set()
        self._ways: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)

    @property
    def url(self) -> str:
        """Of the same database, by this way."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        return self._parts._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()

    def stall(self) -> None:
        """Nothing arrives any more, in either direction; connections stay open, and new ones are taken."""
        self._open.clear()

    def proceed(self) -> None:
        """What was held up arrives."""
        self._open.set()

    def reset(self) -> None:
        """All connections are gone, at once."""
        for client in self._clients:
            _reset(client)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._ways.add(task)
        self._clients.add(writer)
        try:
            up = await asyncio.open_connection(self._parts.hostname, self._parts.port)
            try:
                await self._pass_on(_Way(reader, writer, *up))
            finally:
                up[1].close()
        except _GONE:
            pass  # either end has gone: so does the other one
        finally:
            self._ways.discard(task)
            self._clients.discard(writer)
            writer.close()

    async def _pass_on(self, way: _Way) -> None:
        down = asyncio.ensure_future(self._down(way))
        try:
            await self._up(way)
        finally:
            down.cancel()
            with suppress(asyncio.CancelledError, *_GONE):
                await down

    async def _down(self, way: _Way) -> None:
        while data := await way.from_server.read(_CHUNK):
            await self._open.wait()
            if way.is_mute:
                way.answered.set()
            else:
                way.to_client.write(data)
        _reset(way.to_client)

    async def _up(self, way: _Way) -> None:
        name, pieces = b"", 0
        while data := await way.from_client.read(_CHUNK):
            await self._open.wait()
            name = data if b"application_name" in data else name  # a request for TLS comes before it
            pieces += 1
            fate = self.fate(name) if pieces > _GREETING else Fate.ARRIVES
            self.fates[fate] += 1
            if fate is Fate.ARRIVES:
                way.to_server.write(data)
                continue
            await way.end(data, fate)
            return


class _Way:
    """One connection, with both its ends."""

    def __init__(
        self,
        from_client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self.from_client, self.to_client = from_client, to_client
        self.from_server, self.to_server = from_server, to_server
        self.is_mute = False
        self.answered = asyncio.Event()

    async def end(self, data: bytes, fate: Fate) -> None:
        self.is_mute = True
        if fate is not Fate.AFTER:
            _reset(self.to_client)
        if fate is Fate.BEFORE:
            return
        if fate is Fate.LATE:
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=_LATE_SECONDS)
        self.to_server.write(data)
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self.answered.wait()
        _reset(self.to_client)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Not closed in order: the other end is told that the connection is gone."""
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
