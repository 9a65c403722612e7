"""Looking at a store that may be anything: without changing it, and without leaving a file behind."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import apsw

from jobledger._core.books import balance
from jobledger._core.catalog import IMBALANCE, QUEUE_DEPTH, SCHEDULED
from jobledger._store.sqlite import holders, reads
from jobledger._store.sqlite.connection import PACKAGE, check, newest, reported
from jobledger._store.statements import statements
from jobledger.errors import NotAStore, StoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    from jobledger._core.books import Audit
    from jobledger._core.reads import LedgerRead
    from jobledger._types import Micros

_SQL: Final = statements(PACKAGE, "doctor.sql")
_BUSY_MS: Final = 2_000


class Enlisted(NamedTuple):
    """A writer that is not fenced.

    Attributes:
        running: jobs that it runs.
        types: what it handles, by number.
    """

    writer_id: int
    kind: str
    host: str
    pid: int
    running: int
    types: frozenset[int]


class Queued(NamedTuple):
    """Queued jobs of a type."""

    type_id: int
    name: str
    jobs: int


class Sampled(NamedTuple):
    """A gauge that a worker wrote, and when."""

    value: int
    at: Micros


class Facts(NamedTuple):
    """What a store tells of itself, from one snapshot.

    Attributes:
        schema: its version.
        newest: the version that this jobledger makes.
        now: its clock as last used.
        last_audit: the findings of the last audit by a worker.
    """

    schema: int
    newest: int
    now: Micros
    writers: tuple[Enlisted, ...]
    queued: tuple[Queued, ...]
    last_audit: Sampled | None


def facts(path: Path) -> Facts:
    """What can be told without reading all of the file.

    Raises:
        StoreError: it can't be told; says what the file is instead.
    """
    with _looking(path) as store:
        schema = check(store, path)
        if not schema:
            raise NotAStore(f"{path} is empty: start a worker or submit a job to create the store")
        with reads.snapshot(store):
            return Facts(
                schema=schema,
                newest=newest(),
                now=int(_rows(store, "now")[0][0]),
                writers=_writers(store),
                queued=tuple(Queued(*row) for row in _rows(store, "queued", QUEUE_DEPTH.number, SCHEDULED.number)),
                last_audit=next((Sampled(*row) for row in _rows(store, "sampled", IMBALANCE.attribute)), None),
            )


def faults(path: Path) -> list[str]:
    """What SQLite finds wrong with the file; it reads all of it.

    Raises:
        StoreError: so much that it can't be told.
    """
    with _looking(path) as store:
        return [row[0] for row in _rows(store, "quick_check") if row[0] != "ok"]


def audit(path: Path, wall: Micros) -> Audit:
    """Whether the books balance; it reads all rows.

    Raises:
        StoreError: they can't be read.
    """
    with _looking(path) as store:
        return balance(reads.audit(store, wall))


def ledger(path: Path, wall: Micros, ended: Collection[int]) -> LedgerRead:
    """The books and the probes, as a metrics reader has them.

    Args:
        path: of the file.
        wall: the time now.
        ended: writers whose processes have ended.

    Raises:
        StoreError: they can't be read.
    """
    with _looking(path) as store:
        return reads.ledger(store, wall, ended.__contains__)


def type_names(path: Path, busy_ms: int = _BUSY_MS) -> list[str]:
    """The types that the store knows.

    Raises:
        StoreError: they can't be read, within so many milliseconds.
    """
    with _looking(path, busy_ms) as store:
        check(store, path)
        return [row[0] for row in _rows(store, "type_names")]


@contextmanager
def _looking(path: Path, busy_ms: int = _BUSY_MS) -> Generator[apsw.Connection]:
    """A connection that makes no file, and writes to none.

    A reader, too, makes the shared memory of the log and writes to it. Where nobody has the store open that would be
    for nothing, and SQLite can do without.
    """
    address = f"file:{quote(str(path))}?mode=ro{_sharing(Path(f'{path}-shm'))}"
    try:
        with reported(path):
            connection = apsw.Connection(address, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
            try:
                connection.set_busy_timeout(busy_ms)
                yield connection
            finally:
                connection.close()
    except apsw.Error as error:
        raise StoreError(f"{path} can't be read as a store: {error}") from error


def _sharing(shm: Path) -> str:
    try:
        return "" if holders.is_open(shm) else "&readonly_shm=1"
    except FileNotFoundError:
        return "&immutable=1"
    except OSError as error:
        raise StoreError(f"cannot open {shm}: check its permissions ({error.strerror})") from error


def _writers(store: apsw.Connection) -> tuple[Enlisted, ...]:
    handled = _rows(store, "handled")
    found: list[Enlisted] = []
    for writer_id, kind, host, pid, running in _rows(store, "writers"):
        types = frozenset(type_id for handler, type_id in handled if handler == writer_id)
        found.append(Enlisted(writer_id, kind, host, pid, running, types))
    return tuple(found)


def _rows(store: apsw.Connection, name: str, *params: str | int) -> list[Any]:
    return list(store.execute(_SQL[name], params))
