"""The store on PostgreSQL: any number of writers, on any number of machines."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, ClassVar, TypeVar

import asyncpg

from jobledger._core.commands import Settle, SubmitAll
from jobledger._core.labels import OVERFLOW
from jobledger._store.contract import Turn
from jobledger._store.hint import ANY, types_made_by, word_of
from jobledger._store.postgres import migrate, reads, totals, upkeep
from jobledger._store.postgres.committer import TRIES, Committer
from jobledger._store.postgres.joined import HandlerTransactions
from jobledger._store.postgres.reader import WRITE_SETTINGS, PostgresReader
from jobledger._store.postgres.reported import AGAIN, WAITED
from jobledger._store.postgres.session import Session
from jobledger._store.postgres.wake import APART_SECONDS, Side
from jobledger._types import SECOND
from jobledger.errors import Fenced, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jobledger._core.commands import Command
    from jobledger._core.reads import JobType
    from jobledger._store.contract import (
        Batch,
        Committed,
        Declaration,
        Enlistment,
        Takeover,
    )
    from jobledger._store.postgres.batch import Outcome
    from jobledger._store.postgres.target import Target
    from jobledger._types import Micros

T = TypeVar("T")
log = logging.getLogger("jobledger.store")
LEASE_SECONDS = 2.0
"""No call on the lease's path waits longer: no answer counts as none."""
MOST_JOBS = 200
"""A batch of more is made in the thread: it would take too much of the loop's time."""
APART = 60 * SECOND
"""How far ahead a turn may be: processes reckon the server's time. Beyond it the server's clock was set back."""


class PostgresStore(PostgresReader):
    """A :class:`jobledger._store.contract.Store` in one schema of a database.

    Args:
        target: where.
        fixed: a clock to use instead of the server's, as tests do.
        boundaries: the ladder of a new store, which an old one must have; None takes the store's own, or the default.
        migrating: whether the first use makes or migrates the schema.
    """

    may_be_cut_off: ClassVar[bool] = True
    samples_beside: ClassVar[bool] = True

    def __init__(
        self,
        target: Target,
        fixed: Callable[[], Micros] | None = None,
        boundaries: tuple[float, ...] | None = None,
        *,
        migrating: bool = False,
    ) -> None:
        """Remember where; nothing is connected before it is needed."""
        self._deadlocks = 0
        self._migrating = migrating
        self._side: Side | None = None
        self._told_at = 0.0
        super().__init__(target, fixed, boundaries)

    def _begin(self) -> None:
        super()._begin()
        self._writing = Session(self.target, "writer", WRITE_SETTINGS)
        self._prompt = Session(self.target, "writer, prompt", WRITE_SETTINGS)
        self._leasing = Session(self.target, "lease", WRITE_SETTINGS)
        self._inherited_side, self._side = self._side, None
        self._committer = Committer(self._sql, self._clock, self._learnt)
        self._turn = threading.Lock()

    @property
    def _sessions(self) -> tuple[Session, ...]:
        return (*super()._sessions, self._writing, self._prompt, self._leasing)

    @property
    def deadlocks(self) -> int:
        """Transactions that were undone because two waited for each other; by design there are none."""
        return self._deadlocks + self._committer.deadlocks

    # Writing

    def enlist(self, enlistment: Enlistment) -> int:
        """See the contract. The lease names the connection that will renew it."""
        who = enlistment
        backend = self._lease_backend() if who.lease else None

        async def enlist(session: Session) -> int:
            async with session.transaction():
                writer_id, clock = (
                    await session.fetch(
                        self._sql["enlist"], who.kind, who.host, who.pid, who.slots, sorted(set(who.types)), who.lease,
                        self._fixed() if self._fixed is not None else None,
                    )
                )[0]  # fmt: skip
                if who.lease:
                    await session.fetch(self._sql["lease"], writer_id, backend)
            self._clock.learn(clock)
            return int(writer_id)

        self._committer.forget()
        writer_id = self._write(enlist)
        if who.kind == "client":
            self._committer.clients.add(writer_id)
        return writer_id

    def _lease_backend(self) -> int | None:
        async def backend(session: Session) -> int | None:
            await session.connection()
            return None if session.pooled else session.backend

        return self._leasing.run(backend, LEASE_SECONDS)

    def commit(self, batch: Batch) -> Committed:
        """See the contract."""
        outcome = self._committer.commit(self._writing, batch, self._word(batch))
        return self._told(batch, outcome)

    async def commit_here(self, batch: Batch) -> Committed | None:
        """See :class:`jobledger._store.prompt.Prompt`. On a connection of its own, since one belongs to one loop."""
        self._forget_parent()
        if self._writing.pooled or self._ladder is None or sum(map(_size, batch.commands)) > MOST_JOBS:
            return None
        outcome = await self._committer.commit_here(self._prompt, batch, self._word(batch))
        return None if outcome is None else self._told(batch, outcome)

    async def leave_here(self) -> None:
        """See :class:`jobledger._store.prompt.Prompt`."""
        await self._prompt.leave()

    def _word(self, batch: Batch) -> str | None:
        """What others are told with this batch, if they have not just been told of another one."""
        is_first = time.monotonic() - self._told_at > APART_SECONDS
        return word_of(types_made_by(batch.commands)) if is_first else None

    def _told(self, batch: Batch, outcome: Outcome) -> Committed:
        if outcome.told:
            self._told_at = time.monotonic()
        elif outcome.left:
            self._ring(types_made_by(batch.commands))
        return outcome.committed

    def recall(self, batch: Batch) -> Committed | None:
        """See the contract."""
        return self._write(lambda session: self._committer.recall(session, batch))

    def retire(self, writer_id: int) -> None:
        """See the contract."""
        self._transact_surely(lambda session, now: upkeep.retire(session, self._sql, writer_id, now))

    def abandon(self, writer_id: int) -> None:
        """See the contract. Where not even that can be said, the end of its connection says it."""
        try:
            self._write(lambda session: session.fetch(self._sql["give_up"], writer_id))
        finally:
            self._leasing.close()

    def declare(self, declarations: tuple[Declaration, ...], budget: int) -> tuple[JobType, ...]:
        """See the contract."""

        async def declare(session: Session, _: Micros) -> None:
            if not declarations:
                return
            connection = await session.connection()
            await connection.execute(self._sql["lock_types"])
            labels = {one.name: one.label for one in await reads.job_types(connection, self._reads)}
            for d in declarations:
                full = d.name not in labels and d.label not in labels.values() and len(set(labels.values())) >= budget
                labels.setdefault(d.name, OVERFLOW if full else d.label)
                await session.fetch(
                    self._sql["declare"], d.name, labels[d.name], d.priority, d.max_attempts, d.max_losses, d.timeout
                )

        self._transact_surely(declare)
        return self.types()

    def renew(self, writer_id: int) -> None:
        """See the contract. On a connection of its own, with a deadline."""

        async def renew(session: Session) -> bool:
            await session.connection()
            backend = None if session.pooled else session.backend
            return bool(await session.value(self._sql["renew"], writer_id, backend))

        self._forget_parent()
        if not self._leasing.run(renew, LEASE_SECONDS):
            raise Fenced(writer_id)

    def take_over(self, writer_ids: tuple[int, ...] | None = None) -> tuple[Takeover, ...]:
        """See the contract."""
        if writer_ids is None:
            writer_ids = tuple(vital.writer_id for vital in self.vitals() if vital.ended)
        taken: list[Takeover] = []
        for writer_id in writer_ids:
            done = self._transact(
                lambda session, now, writer_id=writer_id: upkeep.take_over(  # type: ignore[misc]
                    session, self._sql, writer_id, now, self._ladder or ()
                )
            )
            taken += [done] if done is not None else []
        if any(one.jobs or one.dead_lettered for one in taken):
            self._ring()
        return tuple(taken)

    def fold(self) -> int:
        """See the contract. Two that fold at once never take the same rows."""

        async def fold(session: Session) -> int:
            folded = 0
            while taken := int(await session.value(self._sql["fold_deltas"])):
                folded += taken
            return folded

        return self._write(fold)

    def prune(self, retention: Micros, limit: int) -> int:
        """See the contract."""
        return self._transact(lambda session, now: upkeep.prune(session, self._sql, now, retention, limit))

    def sample(self, imbalance: int | None) -> None:
        """See the contract. And a newer jobledger may have migrated the schema under this process: then it must end.

        On the connection of the audit: it counts all that is parked, and no batch should wait for that.
        """

        async def sample(session: Session, now: Micros) -> None:
            await migrate.checked(session, self._wanted)
            await upkeep.sample(session, self._sql, now, imbalance)
            if await session.value(self._sql["lock_totals"], f"jobledger totals {self.target.schema}"):
                await totals.take(await session.connection(), self._totals, now)

        self._transact(sample, beside=True)

    def take_turn(self, writer_id: int, interval: Micros) -> Turn:
        """See the contract."""

        async def take_turn(session: Session, now: Micros) -> Turn:
            begin = now - now % interval
            mine = bool(await session.fetch(self._sql["take_turn"], begin, writer_id, now + APART))
            return Turn(mine, begin, begin + interval, now)

        return self._transact_surely(take_turn)

    def wake(self) -> None:
        """See :class:`jobledger._store.joinable.Joinable`."""
        self._ring()

    def transactions(self) -> HandlerTransactions:
        """See :class:`jobledger._store.joinable.Joinable`."""

        def committed(key: int, left: bool) -> None:  # noqa: FBT001 - of a protocol
            self._committer.drop(key)
            if left:
                self._ring()

        return HandlerTransactions(self.target, self._fixed, lambda: self._ladder or (), committed)

    def listen(self, heard: Callable[[frozenset[int]], None] | None) -> None:
        """See the contract."""
        self._close_side()
        if heard is not None:
            self._side = Side(self.target, heard)

    async def listen_here(self, heard: Callable[[frozenset[int]], None] | None) -> None:
        """See :class:`jobledger._store.prompt.Prompt`."""
        self._forget_parent()
        side = None if heard is None else Side(self.target, heard, asyncio.get_running_loop())
        with self._turn:
            before, self._side = self._side, side
        if before is not None:
            await before.leave()
        if side is not None:
            await side.begun()

    def close(self) -> None:
        """See the contract."""
        self._forget_parent()
        self._close_side()
        for session in self._sessions:
            session.close()

    # Between the two

    def _write(self, work: Callable[[Session], Awaitable[T]], *, beside: bool = False) -> T:
        self._forget_parent()

        async def known(session: Session) -> T:
            await self._learnt(session)
            return await work(session)

        return (self._auditing if beside else self._writing).run(known)

    def _transact(self, work: Callable[[Session, Micros], Awaitable[T]], *, beside: bool = False) -> T:
        """A transaction that is undone and made again when another one stands in its way."""

        async def transact(session: Session) -> T:
            for turn in range(TRIES):
                try:
                    async with session.transaction():
                        return await work(session, await self._now(session))
                except AGAIN as error:
                    self._deadlocks += isinstance(error, asyncpg.DeadlockDetectedError)
                    if turn == TRIES - 1 or isinstance(error, WAITED):
                        raise
            raise AssertionError

        return self._write(transact, beside=beside)

    def _transact_surely(self, work: Callable[[Session, Micros], Awaitable[T]]) -> T:
        """What bears to be done twice is done again if its answer is lost."""
        try:
            return self._transact(work)
        except StoreUnreachable:
            if not self._writing.committing:
                raise
            return self._transact(work)

    async def _learnt(self, session: Session) -> tuple[Micros, ...]:
        if self._ladder is None and self._migrating and session is self._writing:
            await migrate.migrate(session, self._wanted)
        return await super()._learnt(session)

    def _ring(self, types: frozenset[int] = ANY) -> None:
        """Work is left: others may have room for it. It is committed, whatever happens here."""
        self._told_at = time.monotonic()
        with self._turn:
            side = self._side = self._side or Side(self.target, None)
        side.ring(types)

    def _close_side(self) -> None:
        with self._turn:
            side, self._side = self._side, None
        if side is not None:
            side.close()


def _size(command: Command) -> int:
    match command:
        case SubmitAll():
            return len(command.items)
        case Settle():
            return 1 + len(command.children)
        case _:
            return 1
