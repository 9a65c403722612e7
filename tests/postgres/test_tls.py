"""Connections by TLS, on asyncio's loop and on uvloop's: their transports are of other kinds."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from jobledger import App
from jobledger._store.postgres import connected
from tests.postgres_place import Schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

CERTIFICATE = Path(__file__).with_name("tls.pem")
"""Its key is no secret: it is good for nothing but these tests."""
_REQUEST = 8
"""Bytes by which a client asks for TLS; the server answers with a letter."""


class Ahead:
    """Speaks TLS before a server that doesn't: not all builds of PostgreSQL have it. In a thread of its own.

    Attributes:
        port: where it listens.
    """

    def __init__(self, url: str) -> None:
        self.port = 0
        self._there = urlsplit(url)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(CERTIFICATE)
        self._listens, self._loop = threading.Event(), asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        assert self._listens.wait(10)
        return self.port

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._listens.set()
            await self._over.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(_REQUEST)
        writer.write(b"S")
        await writer.drain()
        await writer.start_tls(self._context)
        answers, up = await asyncio.open_connection(self._there.hostname, self._there.port)
        await asyncio.gather(self._pass_on(reader, up), self._pass_on(answers, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
def url(postgres_schemas: Schemas) -> Iterator[str]:
    lent = postgres_schemas.lend()
    parts = urlsplit(lent)
    with Ahead(lent) as port:
        account = parts.netloc.rpartition("@")[0]
        yield parts._replace(netloc=f"{account}@127.0.0.1:{port}", query=f"{parts.query}&sslmode=require").geturl()
    postgres_schemas.take_back(lent)


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    module = pytest.importorskip(request.param)
    with asyncio.Runner(loop_factory=module.new_event_loop) as runner:
        yield runner


def test_a_worker_works_by_it(runner: asyncio.Runner, url: str) -> None:
    """Also where connections end, whose sockets a child must not keep."""
    app = App(url)

    @app.job("work")
    async def work(*, item: int) -> int:
        return 2 * item

    async def worked() -> tuple[object, list[int]]:
        async with app.worker():
            answer = await app.jobs.result(await work.submit(item=21), wait=20)
            numbers = [one.fileno() for one in connected._sockets.values()]
        return answer, numbers

    answer, numbers = runner.run(worked())
    assert answer == 42
    assert sum(number >= 0 for number in numbers) >= 3
    assert all(one.fileno() == -1 or one.fileno() > 2 for one in connected._sockets.values())
