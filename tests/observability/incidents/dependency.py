"""What handlers call: a service on a port, which can be slow, silent or broken, for each kind of request apart."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Final, Self

ANSWER: Final = b"done\n"


class Dependency:
    """Answers each request after a while; a request is a kind and the process that asks.

    Attributes:
        seconds: by kind, how long an answer takes; None is never.
        broken: the kinds whose connections are closed without an answer.
        in_flight: requests that wait for an answer, by kind and process.
    """

    def __init__(self, seconds: dict[str, float | None]) -> None:
        """Not listening yet."""
        self.seconds = seconds
        self.broken: set[str] = set()
        self.in_flight: Counter[tuple[str, int]] = Counter()
        self._usual = {**seconds}
        self._eased = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def waits(self, kind: str) -> bool:
        """Whether any process waits for an answer of this kind."""
        return any(count for (asked, _), count in self.in_flight.items() if asked == kind)

    def ease(self) -> None:
        """As usual again; whoever waits is answered at once."""
        self.seconds.update(self._usual)
        self.broken.clear()
        self._eased.set()
        self._eased = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self.ease()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # a worker that was killed
            kind, _, process = (await reader.readline()).decode().strip().partition(" ")
            if kind and kind not in self.broken:
                asking = kind, int(process)
                self.in_flight[asking] += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._eased.wait(), self.seconds[kind])
                self.in_flight[asking] -= 1
                writer.write(ANSWER)
                await writer.drain()
        writer.close()
