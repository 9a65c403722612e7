"""Looking at a database that may be anything, without changing it."""

from __future__ import annotations

from functools import cached_property
from statistics import median
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jobledger._store.postgres.migrate import Book, book
from jobledger._store.postgres.session import Session
from jobledger._store.postgres.sql import sql_of

if TYPE_CHECKING:
    from jobledger._store.postgres.target import Target

_SETTINGS: Final = {"statement_timeout": "10s", "lock_timeout": "2s"}
_TRIPS: Final = 7


class Server(NamedTuple):
    """What a server says of itself, and of who asks."""

    number: int
    version: str
    is_standby: bool
    only_reads: bool
    syncs: bool
    writes_full_pages: bool
    synchronous_commit: str
    vacuums: bool
    isolation: str
    role: str
    sees_all: bool

    @property
    def major(self) -> int:
        """15 of 15.4."""
        return self.number // 10_000


class Way(NamedTuple):
    """How far away it is: seconds of a round trip, by how many its clock is ahead, and whether a pooler is between."""

    trip: float
    ahead: float
    pooled: bool


class Room(NamedTuple):
    """Connections: as many as there may be, as there are, and as are ours."""

    most: int
    used: int
    ours: int


class Rights(NamedTuple):
    """What a role may do: see the schema at all, migrate it; and what a worker would need besides."""

    enters: bool
    owns: bool
    lacking: tuple[str, ...]


class Table(NamedTuple):
    """A table, as the statistics have it."""

    name: str
    live: int
    dead: int
    vacuumed: float | None
    left_out: bool
    size: int


class Hold(NamedTuple):
    """What keeps vacuum from removing rows, and for how many seconds."""

    kind: str
    what: str
    age: float | None


class Checkup:
    """Asks one database, on one connection; what was asked once is kept.

    Each answer raises StoreError if it can't be had.

    Args:
        target: where.
    """

    def __init__(self, target: Target) -> None:
        """Nothing is connected yet."""
        self.target = target
        self._session = Session(target, "doctor", _SETTINGS)
        self._sql = sql_of(target.schema, "doctor.sql")

    @cached_property
    def server(self) -> Server:
        """What it is."""
        return Server(*self._rows("server")[0])

    @cached_property
    def way(self) -> Way:
        """How far away it is; a clock's time is of the middle of its way."""
        trips: list[tuple[float, float]] = []
        for _ in range(_TRIPS):
            wall, began = time(), perf_counter()
            there = self._rows("clock")[0][0]
            trip = perf_counter() - began
            trips.append((trip, there - wall - trip / 2))
        return Way(median(trip for trip, _ in trips), min(trips)[1], self._session.pooled)

    @cached_property
    def room(self) -> Room:
        """Its connections."""
        return Room(*self._rows("connections")[0])

    @cached_property
    def book(self) -> Book | None:
        """The schema; None where there is none."""
        return self._session.run(book)

    @cached_property
    def rights(self) -> Rights | None:
        """What this role may do; None where there is no schema."""
        found = self._rows("rights", self._schema)
        return Rights(found[0][0], found[0][1], tuple(found[0][2])) if found else None

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Tables of the schema."""
        return tuple(Table(*row) for row in self._rows("tables", self._schema))

    def holding(self, seconds: float) -> tuple[Hold, ...]:
        """What has kept vacuum back for longer than that."""
        return tuple(Hold(*row) for row in self._rows("holding", seconds))

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()

    @property
    def _schema(self) -> str:
        return self.target.schema.strip('"')

    def _rows(self, name: str, *values: object) -> list[Any]:
        return self._session.run(lambda session: session.fetch(self._sql[name], *values))
