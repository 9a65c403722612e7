"""A way to the server on which the commit of a handler's transaction gets lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

COMMIT = b"COMMIT;"
WORDS = ("before", "answer", "silence")


class Lossy:
    """Passes everything on, but for the first commit on a connection of a handler.

    Args:
        url: of the server.
        loss: the COMMIT gets lost with its connection (``before``); it arrives, and its ``answer`` gets lost; or
            it does not arrive, and the server does not hear that the client has gone (``silence``).

    Attributes:
        lost: commits so far that got lost.
    """

    def __init__(self, url: str, loss: str) -> None:
        self._parts = urlsplit(url)
        self._loss = loss
        self.lost = 0
        self._open: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        """The URL to use instead."""
        server = await asyncio.start_server(self._serve, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        try:
            yield self._parts._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()
        finally:
            server.close()
            for writer in self._open:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._open += [writer, up_writer]
        back = asyncio.ensure_future(_pump(up_reader, writer))
        sent = b""
        while chunk := await reader.read(65536):
            sent = (sent + chunk)[-4096:] if b"jobledger handler" not in sent else sent
            if b"jobledger handler" in sent and COMMIT in chunk and not self.lost:
                self.lost += 1
                await self._lose(chunk, up_reader, up_writer, back)
                writer.transport.abort()
                return
            up_writer.write(chunk)
        up_writer.close()

    async def _lose(
        self, chunk: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.Future[None]
    ) -> None:
        back.cancel()
        await asyncio.wait([back])
        if self._loss == "answer":
            writer.write(chunk)
            assert await reader.read(65536)
        if self._loss != "silence":
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
    writer.close()
