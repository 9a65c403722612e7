"""What only reads of the store on PostgreSQL, and the connections that it reads on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

from jobledger._core.catalog import ladder
from jobledger._store.postgres import latest, lists, migrate, overview, reads, totals
from jobledger._store.postgres.clock import ServerClock
from jobledger._store.postgres.session import Session
from jobledger._store.postgres.sql import sql_of
from jobledger._store.postgres.vitality import Vitality

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import asyncpg

    from jobledger._core.observations import Observation
    from jobledger._core.overview import OverviewRead
    from jobledger._core.reads import AuditRead, JobType, LedgerRead, Record
    from jobledger._core.samples import TotalsAt
    from jobledger._store.contract import Filter, Page, Prospect, Room, Vital
    from jobledger._store.postgres.target import Target
    from jobledger._types import Micros

    Connection = asyncpg.Connection[asyncpg.Record]

T = TypeVar("T")
WRITE_SETTINGS: Final = {
    "statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
}  # fmt: skip
READ_SETTINGS: Final = WRITE_SETTINGS | {"jit": "off"}
AUDIT_SETTINGS: Final = READ_SETTINGS | {"statement_timeout": "0", "idle_in_transaction_session_timeout": "60s"}
_AUDIT_SECONDS: Final = 3600.0


class PostgresReader:
    """The reading half of :class:`jobledger._store.postgres.store.PostgresStore`; its arguments are explained there."""

    def __init__(
        self, target: Target, fixed: Callable[[], Micros] | None, boundaries: tuple[float, ...] | None
    ) -> None:
        """Nothing is connected yet."""
        self.target = target
        self._fixed = fixed
        self._clock = ServerClock(fixed)
        self._wanted = boundaries
        self._sql = sql_of(target.schema, "door.sql")
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._reading = Session(self.target, "reader", READ_SETTINGS)
        self._ledgering = Session(self.target, "books", READ_SETTINGS)
        self._auditing = Session(self.target, "audit", AUDIT_SETTINGS)
        self._ladder: tuple[Micros, ...] | None = None
        self._vitality = Vitality()

    @property
    def _sessions(self) -> tuple[Session, ...]:
        return self._reading, self._ledgering, self._auditing

    def types(self) -> tuple[JobType, ...]:
        """See the contract."""
        return self._read(lambda connection: reads.job_types(connection, self._reads))

    def vitals(self) -> tuple[Vital, ...]:
        """See the contract."""

        async def look(session: Session) -> tuple[Vital, ...]:
            found = await session.fetch(self._sql["vitals"])
            return self._vitality.read(map(tuple, found), session.connected_at)

        self._forget_parent()
        return self._reading.run(look)

    def totals(self, step: int, begin: Micros, end: Micros) -> tuple[TotalsAt, ...]:
        """See the contract."""
        return self._read(lambda connection: totals.since(connection, self._totals, step, begin, end))

    def total_from(self, at: Micros) -> TotalsAt | None:
        """See the contract."""
        return self._timed(self._ledgering, lambda connection, _: totals.first_from(connection, self._totals, at))

    def record(self, job_id: str) -> Record | None:
        """See the contract."""
        return self._read(lambda connection: reads.record(connection, self._reads, job_id))

    def page(self, where: Filter, after: int | None, limit: int) -> Page:
        """See the contract."""
        return self._read(lambda connection: lists.page(connection, self._lists, where, after, limit))

    def ledger(self) -> LedgerRead:
        """See the contract. On a connection of its own: what others ask must not wait for thousands of series."""
        return self._timed(self._ledgering, lambda connection, now: reads.ledger(connection, self._reads, now))

    def overview(self, limit: int) -> OverviewRead:
        """See the contract. On the connection of the books."""
        sql = {**sql_of(self.target.schema, "overview.sql"), **self._reads}
        return self._timed(self._ledgering, lambda connection, now: overview.overview(connection, sql, now, limit))

    def exemplars(self, limit: int) -> tuple[Observation, ...]:
        """See the contract."""
        return self._read(lambda connection: latest.exemplars(connection, self._latest, limit))

    def audit(self) -> AuditRead:
        """See the contract. On a connection of its own: it may take long."""
        return self._timed(
            self._auditing,
            lambda connection, now: reads.audit(connection, {**self._reads, **self._audits}, now),
            seconds=_AUDIT_SECONDS,
        )

    def prospect(self, writer_id: int, room: Room) -> Prospect:
        """See the contract. Four times a second, so it is one statement that stays prepared."""
        self._forget_parent()

        async def look(session: Session) -> Prospect:
            await self._learnt(session)
            now = self._clock.now() if self._clock.is_known else await self._now(session)
            return await reads.prospect(session, self._reads, writer_id, room, now)

        return self._reading.run(look)

    @property
    def _reads(self) -> Mapping[str, str]:
        return sql_of(self.target.schema, "reads.sql")

    @property
    def _audits(self) -> Mapping[str, str]:
        return sql_of(self.target.schema, "audit.sql")

    @property
    def _lists(self) -> Mapping[str, str]:
        return sql_of(self.target.schema, "lists.sql")

    @property
    def _latest(self) -> Mapping[str, str]:
        return sql_of(self.target.schema, "latest.sql")

    @property
    def _totals(self) -> Mapping[str, str]:
        return sql_of(self.target.schema, "totals.sql")

    async def _now(self, session: Session) -> Micros:
        if self._fixed:
            return self._clock.now()
        asked = self._clock.here
        return self._clock.learn(await session.value(self._sql["clock"]), asked)

    async def _learnt(self, session: Session) -> tuple[Micros, ...]:
        """The ladder; and once, whether this version can work here at all."""
        if self._ladder is None:
            found = await migrate.checked(session, self._wanted)
            self._ladder = ladder(found.boundaries)
        return self._ladder

    def _read(self, read: Callable[[Connection], Awaitable[T]]) -> T:
        return self._timed(self._reading, lambda connection, _: read(connection))

    def _timed(
        self,
        session: Session,
        read: Callable[[Connection, Micros], Awaitable[T]],
        seconds: float = 60.0,
    ) -> T:
        self._forget_parent()

        async def timed(session: Session) -> T:
            await self._learnt(session)
            return await read(await session.connection(), await self._now(session))

        return session.run(timed, seconds)

    def _forget_parent(self) -> None:
        """After a fork: connections are the parent's, and closing one here would be an act in its name."""
        if self._pid != os.getpid():
            for session in self._sessions:
                session.forget()
            self._inherited = self._sessions
            self._begin()
