"""How a batch gets into the database: quickly if it can, carefully if it must, and again if it was in the way."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import asyncpg

from jobledger._store.contract import Claimed, Committed
from jobledger._store.postgres import batch as batches
from jobledger._store.postgres.own_series import OwnSeries
from jobledger._store.postgres.reported import AGAIN, WAITED
from jobledger._store.recall import recalled
from jobledger._store.rows import WIDTH, job_of
from jobledger.errors import CommitUnknown, Fenced, StoreBusy, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping

    from jobledger._core.job import Job
    from jobledger._store.contract import Answer, Batch
    from jobledger._store.postgres.clock import ServerClock
    from jobledger._store.postgres.session import Session
    from jobledger._store.postgres.work import Work
    from jobledger._types import Micros

TRIES: Final = 8
"""How often a transaction is made that others undo."""
LOOKS: Final = 100
"""How often a batch looks at rows which others move at the same time."""
_FENCED: Final = "JL001"
_MOVED: Final = "JL002"
_CLOCK: Final = "JL003"
_TAKEN: Final = "job_id_key"
"""A job has its id already, as this constraint says; of any other one it would be a bug."""


class Committer:
    """Writes the batches of one writer.

    Args:
        sql: the statements of ``door.sql``.
        clock: the server's.
        learnt: gives the ladder, and checks the schema the first time.

    Attributes:
        deadlocks: batches that were undone because two waited for each other; by design there are none.
        quick: batches that took one call, and ``careful``: those that took a look at rows first.
        clients: those of the writers that run no jobs.
    """

    def __init__(
        self,
        sql: Mapping[str, str],
        clock: ServerClock,
        learnt: Callable[[Session], Awaitable[tuple[Micros, ...]]],
    ) -> None:
        """Nothing is running."""
        self.deadlocks = 0
        self.quick = 0
        self.careful = 0
        self.clients: set[int] = set()
        self._sql = sql
        self._clock = clock
        self._learnt = learnt
        self._running: dict[int, Job] = {}
        self._own = OwnSeries()

    def forget(self) -> None:
        """There is a new writer, or what this one runs is not known any more."""
        self._running.clear()

    def drop(self, key: int) -> None:
        """A job was completed in its handler's own transaction; called from another thread."""
        self._running.pop(key, None)

    def commit(self, session: Session, batch: Batch, word: str | None = None) -> batches.Outcome:
        """One batch; raises as :meth:`jobledger._store.contract.Store.commit`.

        Args:
            session: the writer's.
            batch: what to write.
            word: what others are told with it, if it takes the shortest way.
        """
        with self._answered(session, batch):
            return session.run(lambda session: self._commit(session, batch, word))

    async def commit_here(self, session: Session, batch: Batch, word: str | None = None) -> batches.Outcome | None:
        """As :meth:`commit`, on this loop, if it takes no more than one question; else None, and nothing was done."""
        with self._answered(session, batch):
            return await session.ask(lambda session: self._promptly(session, batch, word))

    @contextmanager
    def _answered(self, session: Session, batch: Batch) -> Generator[None]:
        """Around a batch: what is known is forgotten where it may be wrong."""
        session.committing = False
        try:
            yield
        except Fenced:
            self.forget()
            raise Fenced(batch.writer_id) from None
        except StoreUnreachable as error:
            if not session.committing:
                raise
            self.forget()
            message = f"the answer of a batch is lost ({error})"
            raise CommitUnknown(message) from error

    async def _promptly(self, session: Session, batch: Batch, word: str | None) -> batches.Outcome | None:
        """What others undo is made again in the thread, which has the patience for it."""
        session.committing = False
        ladder = await self._learnt(session)
        await session.connection()
        if session.pooled or not self._can_be_quick(batch):
            return None
        try:
            return await self._quickly(session, batch, ladder, word)
        except WAITED:
            session.committing = False
            raise
        except AGAIN as error:
            self.deadlocks += isinstance(error, asyncpg.DeadlockDetectedError)
            return None

    async def _commit(self, session: Session, batch: Batch, word: str | None) -> batches.Outcome:
        looks = tries = 0
        while tries < TRIES and looks < LOOKS:
            session.committing = False
            try:
                return await self._once(session, batch, word)
            except batches.RowTaken as taken:
                looks += 1
                await self._wait_for(session, taken.key)
            except batches.LooksNeeded:
                looks += 1
            except WAITED:
                session.committing = False
                raise
            except AGAIN as error:
                tries += 1
                self.deadlocks += isinstance(error, asyncpg.DeadlockDetectedError)
        session.committing = False
        message = f"{session.target.name} is busy: a batch was undone {tries + looks} times; nothing was changed"
        raise StoreBusy(message)

    async def _wait_for(self, session: Session, key: int) -> None:
        """A statement of its own, in no transaction: who waits like this holds nothing that others could wait for."""
        with suppress(asyncpg.LockNotAvailableError):
            await session.fetch(self._sql["wait_for"], key)

    async def _once(self, session: Session, batch: Batch, word: str | None) -> batches.Outcome:
        ladder = await self._learnt(session)
        await session.connection()
        done = await self._quickly(session, batch, ladder, word) if self._can_be_quick(batch) else None
        return done if done is not None else await self._carefully(session, batch, ladder)

    async def _quickly(
        self, session: Session, batch: Batch, ladder: tuple[Micros, ...], word: str | None
    ) -> batches.Outcome | None:
        quick = batches.Quick(session, self._sql, ladder, runs=batch.writer_id not in self.clients, word=word)
        session.committing = True
        try:
            outcome, work = await quick.commit(batch, self._running, self._own, self._clock.now(), self._clock.slack)
        except asyncpg.PostgresError as error:
            if error.sqlstate not in {_MOVED, _CLOCK} and error.constraint_name != _TAKEN:
                if quick.telling and error.sqlstate != _FENCED and await self._last(session, batch) == batch.number:
                    message = f"a batch was committed, but not answered ({error})"
                    raise CommitUnknown(message) from error
                raise
            session.committing = False
            return None
        self.quick += 1
        self._remember(batch, outcome, work)
        return outcome

    def _can_be_quick(self, batch: Batch) -> bool:
        return self._clock.is_known and batches.can_be_quick(batch, self._running, self._own)

    async def _carefully(self, session: Session, batch: Batch, ladder: tuple[Micros, ...]) -> batches.Outcome:
        careful = batches.Careful(session, self._sql, ladder)
        async with session.transaction():
            outcome, work, own = await careful.commit(batch, self._clock, self._own)
        self.careful += 1
        self._own = own
        self._remember(batch, outcome, work)
        return outcome

    def _remember(self, batch: Batch, outcome: batches.Outcome, work: Work) -> None:
        """The running jobs of this writer as they are now."""
        self._clock.learn(outcome.clock)
        for round_ in work.rounds:
            for job, _ in (*round_.saved, *round_.ended):
                if job.writer_id == batch.writer_id:
                    self._running[job.key] = job
                else:
                    self._running.pop(job.key, None)
        for claimed in outcome.committed.claimed:
            self._running[claimed.job.key] = claimed.job

    async def recall(self, session: Session, batch: Batch) -> Committed | None:
        """What a batch of unknown outcome came to; as :meth:`jobledger._store.contract.Store.recall`."""
        last = await self._last(session, batch)
        if last not in {batch.number, batch.number - 1}:
            raise Fenced(batch.writer_id)
        if last == batch.number - 1:
            return None
        self._clock.learn(await session.value(self._sql["clock"]))
        answers = await self._answers(session, batch)
        rows = [tuple(row) for row in await session.fetch(self._sql["claimed_by"], batch.writer_id)]
        running = tuple(Claimed(job_of(row), row[WIDTH]) for row in rows)
        self._running = {claimed.job.key: claimed.job for claimed in running}
        strides = tuple(group.stride for group in batch.claim.groups) if batch.claim else ()
        return Committed(answers, running, strides, (), None, self._clock.now())

    async def _last(self, session: Session, batch: Batch) -> int | None:
        """The number of the last batch of its writer; None: there is no such writer."""
        last: int | None = await session.value(self._sql["writer_state"], batch.writer_id)
        return last

    async def _answers(self, session: Session, batch: Batch) -> tuple[Answer, ...]:
        ids, submits = batches.named(batch.commands)
        jobs: dict[str, Job] = {}
        for job_id in ids:
            for row in await session.fetch(self._sql["job_by_id"], job_id):
                jobs[job_id] = job_of(tuple(row))
        keys = {
            (one.type_id, one.dedupe): await session.value(self._sql["key_holder"], one.type_id, one.dedupe)
            for one in submits
            if one.dedupe is not None
        }

        def holder(type_id: int, key: str) -> str | None:
            return keys.get((type_id, key))

        return tuple(recalled(command, jobs.get, holder) for command in batch.commands)
