"""The handler's SQL and the job's completion in one transaction, on connections of the worker's event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from jobledger._core.decide import Change, Refusal
from jobledger._core.job import Lane
from jobledger._store.contract import Batch
from jobledger._store.joinable import Undone
from jobledger._store.patience import Patience
from jobledger._store.postgres import arrays
from jobledger._store.postgres.batch import Careful, LooksNeeded, Outcome, addressed, told
from jobledger._store.postgres.own_series import OwnSeries
from jobledger._store.postgres.reported import GONE, LOST, reported
from jobledger._store.postgres.session import CALL_SECONDS, Session
from jobledger._store.postgres.sql import sql_of
from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asyncpg.transaction import Transaction

    from jobledger._core.commands import Settle
    from jobledger._core.decide import Verdict
    from jobledger._core.job import Job
    from jobledger._store.postgres.target import Target
    from jobledger._store.postgres.work import Work
    from jobledger._types import Micros

CONNECTIONS: Final = 10
"""Handlers of one worker that can have a transaction open at once; the next ones wait."""
IDLE: Final = "60s"
"""How long a handler may hold its transaction open without a statement."""
_BESIDE: Final = 0
"""The writer that these counts are of: nobody's, since a writer's own rows belong to its batches."""
_NOTHING_DUE: Final[Mapping[str, list[Any]]] = {"o_deltas": [], "o_keys": [], "o_entities": []}
_LOOKS: Final = 8


class HandlerTransactions:
    """Implements :class:`jobledger._store.joinable.Transactions`.

    Args:
        target: the store.
        fixed: a clock to use instead of the server's, as tests do.
        ladder: of the histograms.
        committed: told of each job that was completed here, and whether work is left for others.
    """

    def __init__(
        self,
        target: Target,
        fixed: Callable[[], Micros] | None,
        ladder: Callable[[], tuple[Micros, ...]],
        committed: Callable[[int, bool], None],
    ) -> None:
        """Nothing is connected yet."""
        self.target = target
        self.sql = {**sql_of(target.schema, "door.sql"), **sql_of(target.schema, "joined.sql")}
        self.fixed = fixed
        self.ladder = ladder
        self.committed = committed
        self.own = OwnSeries()
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._free: list[Session] = []
        self._number = 0
        self._closed = False

    async def begin(self) -> HandlerTransaction:
        """See the protocol."""
        await self._room.acquire()
        session = self._free.pop() if self._free else Session(self.target, "handler")
        try:
            with reported(self.target):
                return await self._begun(session)
        except BaseException:
            session.drop()
            self._room.release()
            raise

    async def _begun(self, session: Session) -> HandlerTransaction:
        """By the driver's own transaction, so that those which the handler opens in it are savepoints."""
        self._number += 1
        mark = str(self._number)
        connection = await session.connection()
        transaction = connection.transaction(isolation="read_committed")
        await transaction.start()
        session.is_held = True
        await session.fetch(self.sql["mark"], mark, IDLE)
        return HandlerTransaction(self, session, connection, transaction, mark)

    async def give_back(self, session: Session, *, clean: bool) -> None:
        """A connection comes back: without what a handler has set on it, or not at all."""
        session.is_held = False
        try:
            if clean:
                with suppress(*LOST, *GONE, asyncpg.PostgresError):
                    async with asyncio.timeout(CALL_SECONDS):
                        await (await session.connection()).reset()
                        self._free.append(session)
        finally:
            if session not in self._free or self._closed:
                session.drop()
            self._room.release()

    async def close(self) -> None:
        """See the protocol. Those in use are dropped when they come back."""
        self._closed = True
        free, self._free = self._free, []
        for session in free:
            with suppress(*LOST, *GONE, asyncpg.PostgresError):
                await (await session.connection()).close(timeout=1)
            session.drop()


class HandlerTransaction:
    """Implements :class:`jobledger._store.joinable.Transaction`. The job's own row is the fence against takeover."""

    def __init__(
        self,
        pool: HandlerTransactions,
        session: Session,
        connection: asyncpg.Connection[asyncpg.Record],
        transaction: Transaction,
        mark: str,
    ) -> None:
        """Open."""
        self.connection = connection
        self._pool = pool
        self._session = session
        self._transaction = transaction
        self._mark = mark

    async def undo(self) -> None:
        """See the protocol."""
        clean = False
        try:
            with suppress(*LOST, *GONE, asyncpg.PostgresError):
                async with asyncio.timeout(CALL_SECONDS):
                    await self._transaction.rollback()
                    clean = True
        finally:
            await self._pool.give_back(self._session, clean=clean)

    async def complete(self, settle: Settle) -> Verdict:
        """See the protocol."""
        try:
            verdict, outcome, own = await self._attempted(settle)
        except (*LOST, *GONE) as error:
            await self._pool.give_back(self._session, clean=False)
            raise Undone(f"its transaction was lost: {_why(error)}") from error
        except Exception as error:
            await self.undo()
            raise Undone(f"its transaction could not be completed: {_why(error)}") from error
        except BaseException:
            await self._pool.give_back(self._session, clean=False)
            raise
        if outcome is None:
            await self.undo()
            return verdict
        await self._commit(settle)
        self._pool.own = own
        self._pool.committed(settle.key, outcome.left or outcome.committed.more)
        return verdict

    async def _attempted(self, settle: Settle) -> tuple[Verdict, Outcome | None, OwnSeries]:
        async with asyncio.timeout(CALL_SECONDS):
            ((is_ours, clock, *_),) = await self._session.fetch(self._pool.sql["resume"], self._mark)
            if not is_ours:
                message = "the handler ended it by itself: leave COMMIT and ROLLBACK to jobledger"
                raise StoreError(message)
            return await self._written(settle, self._pool.fixed() if self._pool.fixed is not None else clock)

    async def _written(self, settle: Settle, now: Micros) -> tuple[Verdict, Outcome | None, OwnSeries]:
        """Lock the mailbox, look at the job in a later statement, decide, write: as the door does, beside its books."""
        careful = Careful(self._session, self._pool.sql, self._pool.ladder())
        keys, ids, submits, counts = addressed((settle,))
        own = await careful.own_series(counts, self._pool.own)
        await careful.lock_keys(submits, ())
        jobs = await self._looked(careful, keys, ids)
        work = await careful.prepared(now, jobs, (settle,), submits, own)
        verdict = work.execute(settle)
        if not isinstance(verdict, Change):
            return _refused(verdict), None, own
        completed = [*work.completed]
        work.completed.clear()
        found = await self._saved(careful, work, settle)
        for type_id in completed:
            await self._session.fetch(self._pool.sql["completed"], type_id, work.now)
        return verdict, told(found, None, (verdict,), work), own

    async def _saved(self, careful: Careful, work: Work, settle: Settle) -> list[Any]:
        """In one call, unless it hands out keys or numbers."""
        first, *more = work.rounds
        if more or work.keys or work.own.fresh or work.own.described:
            return await careful.write(work, Batch(_BESIDE, 0, (settle,)), _NOTHING_DUE)
        return await self._session.fetch(
            self._pool.sql["finish"], _BESIDE, work.now, self._pool.ladder(), arrays.arrivals(first.added),
            arrays.saves(first.saved), arrays.endings(first.ended), arrays.events(first), arrays.counts(work.cells),
            arrays.own_counts(work.cells), [], work.freed, None, [], [],
        )  # fmt: skip

    async def _looked(self, careful: Careful, keys: list[int], ids: list[str]) -> list[Job]:
        for _ in range(_LOOKS):
            locked = await self._session.value(self._pool.sql["lock"], keys, ids)
            jobs = await careful.load(keys, ids)
            if not any(job.holds and job.entity not in locked for job in jobs):
                return jobs
        raise LooksNeeded

    async def _commit(self, settle: Settle) -> None:
        clean = False
        try:
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    await self._transaction.commit()
                clean = True
            except (*LOST, *GONE) as error:
                self._session.drop()
                self._session.is_held = False
                clean = await self._found(settle)
                if not clean:
                    raise Undone(f"its transaction was lost: {_why(error)}") from error
            except asyncpg.PostgresError as error:
                clean = True
                raise Undone(f"its transaction could not be committed: {error}") from error
        finally:
            await self._pool.give_back(self._session, clean=clean)

    async def _found(self, settle: Settle) -> bool:
        """Whether a commit of unknown outcome has happened. Nothing else may be done before that is known."""
        patience = Patience()
        while True:
            try:
                async with asyncio.timeout(CALL_SECONDS), self._session.transaction():
                    return await self._has_happened(settle)
            except (*LOST, *GONE, asyncpg.PostgresError) as error:
                self._session.drop()
                patience.failed(f"what came of the transaction of job {settle.job_id} can't be read yet", error)
                await patience.rest()

    async def _has_happened(self, settle: Settle) -> bool:
        """The row is locked for the look: where that transaction is still under way, this waits for its end."""
        await self._session.fetch(self._pool.sql["limits"])
        careful = Careful(self._session, self._pool.sql, ())
        jobs = await careful.load([settle.key], [settle.job_id])
        return all(job.lane is Lane.COMPLETE and job.run == settle.run for job in jobs)


def _why(error: Exception) -> str:
    if isinstance(error, asyncpg.InFailedSQLTransactionError):
        return "a statement in it had failed; what may fail goes inside `async with connection.transaction()`"
    return str(error) or type(error).__name__


def _refused(verdict: object) -> Refusal:
    assert isinstance(verdict, Refusal)  # noqa: S101 - one command has one verdict
    return verdict
