"""A short life of a store, the same each time: everything that is asked, and every answer, is noted beside it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import JobEnded, OutcomeUnknown, StoreError
from tests.faults.crashes.handlers import register
from tests.faults.crashes.notes import Accepted, Answered, Asked, Closed, Notes, Refused, Told, Unknown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jobledger import App
    from jobledger._store.intake import SubmitOptions
    from jobledger._types import JobId

COUNTED = "story_counted_total"
"""A counter that is counted outside of handlers."""
_PAGES = 60
"""Pages of the log after which it is copied into the file: this story is too short for the usual thousand."""
_TRIES = 12
"""How often something is asked that nothing came of."""
_PATIENCE = 20.0
Answer = TypeVar("Answer")


class Story:
    """Told once.

    Args:
        app: not opened yet, without handlers.
        notes: where everything is noted.
    """

    def __init__(self, app: App, notes: Notes) -> None:
        self._app = app
        self._notes = notes
        self._asked = 0
        self._begun: set[str] = set()
        self._heard = asyncio.Event()
        register(app, notes, heard=self._hear, endless=True)

    async def tell(self) -> None:
        """From an empty folder to a store that is closed.

        Raises:
            JobledgerError: it could not go on.
        """
        async with self._app:
            store = self._app._opened_door().store
            assert isinstance(store, SqliteStore)
            assert store._writer is not None
            store._writer.wal_autocheckpoint(_PAGES)
            left = await self._submit_all_kinds()
            async with self._app.worker(slots=2, threads=0):
                await self._run(left)
            await self._one("plain")
            await self._many("plain", 2, entity="b")
        self._notes.write(Closed())

    async def _submit_all_kinds(self) -> dict[str, str]:
        left = {kind: await self._one(kind) for kind in ("plain", "doomed", "flaky", "parent")}
        for number, job_id in enumerate(await self._many("plain", 3, entity="a")):
            left[f"item {number}"] = job_id
        left["behind"] = await self._one("plain", entity="a", priority="low")
        left["keyed"] = await self._one("plain", dedupe="once", dedupe_for=600)
        await self._one("plain", dedupe="once")
        await self._cancel(await self._one("plain", delay=3600))
        await self._cancel(await self._one("plain", entity="a"))
        await self._count(3)
        return left

    async def _run(self, left: dict[str, str]) -> None:
        for job_id in left.values():
            await self._outcome(job_id)
        dead = left["doomed"]
        await self._bury("replay", dead)
        await self._outcome(dead)
        await self._bury("discard", dead)
        endless = await self._one("endless", entity="a")
        while endless not in self._begun:
            self._heard.clear()
            await asyncio.wait_for(self._heard.wait(), _PATIENCE)
        await self._cancel(endless)
        await self._outcome(endless)
        await self._outcome(await self._one("plain", entity="a", priority="critical"))
        await self._count(4)

    def _hear(self, job_id: str) -> None:
        self._begun.add(job_id)
        self._heard.set()

    async def _one(self, kind: str, **options: Unpack[SubmitOptions]) -> str:
        """Submit one job."""
        job_id = await self._ask("submit", lambda n: self._app.jobs.submit(kind, {"n": n, "item": 0}, **options))
        self._notes.write(Accepted(self._asked, (str(job_id),), job_id.created))
        return str(job_id)

    async def _many(self, kind: str, many: int, **options: Unpack[SubmitOptions]) -> list[str]:
        """Submit a batch."""

        def submit(n: int) -> Awaitable[list[JobId]]:
            payloads: list[Any] = [{"n": n, "item": item} for item in range(many)]
            return self._app.jobs.submit(kind, payloads, **options)

        ids = await self._ask("submit", submit, many=many)
        self._notes.write(Accepted(self._asked, tuple(map(str, ids))))
        return [*map(str, ids)]

    async def _cancel(self, job_id: str) -> None:
        answer = await self._ask("cancel", lambda _: self._app.jobs.cancel(job_id), job=job_id)
        self._notes.write(Answered(self._asked, type(answer).__name__))

    async def _count(self, many: int) -> None:
        await self._ask("count", lambda _: self._app.metrics.inc(COUNTED, many), many=many)
        self._notes.write(Answered(self._asked))

    async def _bury(self, verb: str, job_id: str) -> None:
        ask = self._app.jobs.replay if verb == "replay" else self._app.jobs.discard
        await self._ask(verb, lambda _: ask(job_id), job=job_id)
        self._notes.write(Answered(self._asked))

    async def _outcome(self, job_id: str) -> None:
        with suppress(JobEnded):
            await self._app.jobs.result(job_id, wait=_PATIENCE)
        report = await self._app.jobs.status(job_id)
        self._notes.write(Told(job_id, report.status, len(report.attempts), report.result))

    async def _ask(
        self, verb: str, ask: Callable[[int], Awaitable[Answer]], *, many: int = 1, job: str | None = None
    ) -> Answer:
        """Ask, and ask again for what nothing came of: a disk that is full may have space the next time."""
        tries = _TRIES
        while True:
            self._asked += 1
            self._notes.write(Asked(self._asked, verb, many, job))
            try:
                return await ask(self._asked)
            except OutcomeUnknown as error:
                self._notes.write(Unknown(self._asked, type(error).__name__))
                raise
            except StoreError as error:
                self._notes.write(Refused(self._asked, type(error).__name__))
                tries -= 1
                if error.is_final or not tries:
                    raise
