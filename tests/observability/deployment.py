"""A deployment in which everything happens that a dashboard can show: two workers, and jobs with every fate."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Final, TypeAlias

import uvicorn

from jobledger import App, Fail, Retry
from jobledger._core.catalog import CATALOG
from jobledger._store.sqlite.store import SqliteStore
from jobledger.web import create_asgi
from tests.waiting import until

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

    Seen: TypeAlias = Callable[[], Awaitable[object]]

PATIENCE: Final = 30.0
MAILS: Final = 20


class Deployment:
    """A store, a worker that can be scraped, and a second one.

    Args:
        path: of the store, an SQLite file that is there.
        listener: where the first worker answers ``/metrics``.
    """

    def __init__(self, path: Path, listener: socket.socket) -> None:
        self.path = path
        self.app = self._worker()
        self.other = self._worker()
        self._listener = listener
        self._go_on = asyncio.Event()
        self._let_go = threading.Event()

        @self.app.job("video.convert", timeout=0.05, max_attempts=1)
        def convert() -> None:
            self._let_go.wait()

    def _worker(self) -> App:
        app = App(f"sqlite:///{self.path}?durability=off")

        @app.job("order.ship")
        async def ship() -> None:
            await self._go_on.wait()

        @app.job("mail.send", max_attempts=2)
        async def send(n: int) -> Retry | Fail | None:
            answers: dict[int, Retry | Fail] = {1: Retry(after=0), 2: Fail("no such address")}
            return answers.get(n % 4)

        return app

    async def live(self, seen: Seen) -> None:
        """From the first job to the last.

        Args:
            seen: called whenever there is something to see; nothing more happens before it has ended.
        """
        async with self._served(), self.app.worker(slots=2, threads=1):
            async with self.other.worker(slots=2, threads=0, grace=0):
                await seen()
                await self._some_complete()
                await seen()
                await self._all_slots_are_taken()
                await seen()
            await self._all_end()
            await seen()
            self._ended_ones_are_forgotten()
            await seen()

    @asynccontextmanager
    async def _served(self) -> AsyncGenerator[None]:
        config = uvicorn.Config(create_asgi(self.app), log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([self._listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving

    async def _some_complete(self) -> None:
        await self.app.jobs.submit("mail.send", [{"n": 0}] * 4)
        await until(lambda: self._is(completions=4), "the first mails were sent", PATIENCE)

    async def _all_slots_are_taken(self) -> None:
        """Jobs wait for slots and for each other, and the second worker is taken over."""
        submit, jobs = self.app.jobs.submit, self.app.metrics.jobs
        for entity in ("customer:1", "customer:2", None):
            await submit("order.ship", [{}] * 4, entity=entity)
        await until(lambda: self._is(running=4), "all slots are taken", PATIENCE)
        await submit("video.convert")
        await submit("mail.send", [{"n": n} for n in range(MAILS)], priority="low")
        await self.app.declare("fax.send")
        await submit("fax.send")
        for _ in range(2):
            await submit("mail.send", {"n": 0}, delay=3600, dedupe="weekly")
        with closing(self._somebody()) as taker:
            assert taker.take_over((self._second_writer(),))
        for read, what in (
            (jobs.lost.read, "attempts were lost"),
            (jobs.stale_settlements.read, "what the lost attempts said was refused"),
            (jobs.overdue.read, "a thread is overdue"),
            (jobs.mailbox_deepest.read, "the mailboxes were sampled"),
        ):
            await until(read, what, PATIENCE)
        await until(lambda: self._is(running=5), "all slots are taken again, and a thread", PATIENCE)

    async def _all_end(self) -> None:
        """What waited is done, fails, is cancelled, replayed or discarded."""
        jobs = self.app.jobs
        await jobs.cancel(await jobs.submit("order.ship"))
        self._go_on.set()
        self._let_go.set()
        await until(self._at_rest, "all jobs have ended", PATIENCE)
        buried = (await jobs.list(status="failed")).jobs
        await jobs.discard(buried[0].id)
        await jobs.replay(buried[1].id)
        await until(self._at_rest, "the replayed job has ended, too", PATIENCE)

    def _ended_ones_are_forgotten(self) -> None:
        """What upkeep does after their retention."""
        with closing(self._somebody()) as upkeep:
            assert upkeep.prune(0, 100)

    async def _at_rest(self) -> bool:
        """All but the fax, which nobody handles, and next week's mail."""
        return await self._is(running=0, queue_depth=1, scheduled=1)

    async def _is(self, **expected: int) -> bool:
        now = await self.app.metrics.snapshot()
        instruments = {one.attribute: one for one in CATALOG}
        return all(now.value(instruments[name]) == value for name, value in expected.items())

    def _second_writer(self) -> int:
        writer_id = self.other._opened_door().writer_id
        assert writer_id is not None
        return writer_id

    def _somebody(self) -> SqliteStore:
        """Another process, for all that the store knows."""
        return SqliteStore(self.path, self.app._clock.now, "off")
