"""One open transaction: rows are loaded and saved, numbers drawn, and the ledger written at the end."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from jobledger._core.catalog import USER_NUMBERS
from jobledger._core.deltas import NO_PRIORITY, Cells, merge, observe_into
from jobledger._core.job import EventName, Job, Lane
from jobledger._core.series import within_budget
from jobledger._store import rows
from jobledger._store.sqlite.connection import PACKAGE
from jobledger._store.statements import statements
from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

    from jobledger._core.commands import UserDelta
    from jobledger._core.decide import Change
    from jobledger._core.deltas import Delta
    from jobledger._store.sqlite.clock import StoreClock
    from jobledger._types import Micros

SQL: Final = statements(PACKAGE, "queries.sql")
BASE: Final = 0
"""The ledger's writer of everything that no live writer owns."""
WORD: Final = 10**15
"""How much of a user's cell one row keeps; multiples of it are in the row with the negative number."""


class Pages:
    """The open pages of the books, between BEGIN and COMMIT.

    What is saved is written when the table is next looked at, or at the end: many rows by one statement.

    Args:
        running: jobs that were started here and have not changed since, by key; kept up to date.

    Attributes:
        now: the time of this transaction.
        left: jobs that became ready and were not started: work for others.
        calls: something else that another worker must hear of: a request to cancel, a new due time.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        clock: StoreClock,
        ladder: tuple[Micros, ...],
        running: dict[int, Job] | None = None,
    ) -> None:
        """Read the store's clock and its last number."""
        self._cursor = connection.cursor()
        self._connection = connection
        self._running = {} if running is None else running
        self._saving = ""
        self._saved: list[tuple[Any, ...]] = []
        self._ladder = ladder
        self._cells: Cells = {}
        self._deltas: list[Delta] = []
        self._history: list[tuple[Any, ...]] = []
        self._completed: dict[int, Micros] = {}
        self.left: set[str] = set()
        self.calls = False
        number, before = self.one("book", ())
        self._number: int = number
        self.now: Micros = clock.at(before)

    def one(self, name: str, params: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a row of any shape
        """The first row of a statement, or None."""
        if self._saved:
            self.flush()
        return self._cursor.execute(SQL[name], params).fetchone()

    def all(self, name: str, params: tuple[Any, ...]) -> list[Any]:
        """All rows of a statement."""
        if self._saved:
            self.flush()
        return self._cursor.execute(SQL[name], params).fetchall()

    def write(self, name: str, params: tuple[Any, ...]) -> int:
        """Run a statement and say how many rows it changed."""
        if self._saved:
            self.flush()
        self._cursor.execute(SQL[name], params)
        return int(self._connection.changes())

    def number(self) -> int:
        """The next store-wide number: an order or a fence."""
        self._number += 1
        return self._number

    def running(self, key: int) -> Job | None:
        """A job by its row number; mostly it was started here, and is known."""
        known = self._running.get(key)
        return self.by_key(key) if known is None else known

    def doubt(self, keys: Iterable[int]) -> None:
        """Others may have changed these running jobs."""
        for key in keys:
            self._running.pop(key, None)

    def by_key(self, key: int) -> Job | None:
        """A job by its row number."""
        row = self.one("job_by_key", (key,))
        return None if row is None else rows.job_of(row)

    def by_id(self, job_id: str) -> Job | None:
        """A job by its address."""
        row = self.one("job_by_id", (job_id,))
        return None if row is None else rows.job_of(row)

    def occupied(self, entity: str | None) -> bool:
        """Whether a job holds the entity's mailbox."""
        return entity is not None and self.one("occupied", (entity,)) is not None

    def insert(self, change: Change, payload: bytes) -> bool:
        """Write an accepted job; False if its id is known, then nothing is counted."""
        if not self.write("insert_job", rows.inserted(change.job, payload)):
            return False
        self.calls |= change.job.lane is Lane.SCHEDULED
        self._keep(change)
        return True

    def insert_all(self, changes: Sequence[Change], payloads: Sequence[bytes]) -> bool:
        """Write many accepted jobs; False if one's id is known, then nothing is written or counted."""
        before = self._connection.total_changes()
        jobs = [change.job for change in changes]
        self._cursor.execute(SQL["mark"])
        self._cursor.executemany(SQL["insert_job"], map(rows.inserted, jobs, payloads))
        if self._connection.total_changes() - before != len(jobs):
            self._cursor.execute(SQL["back_to_mark"])
            return False
        self.calls |= any(job.lane is Lane.SCHEDULED for job in jobs)
        self.left.update(job.id for job in jobs if job.lane is Lane.READY)
        self.book(chain.from_iterable(change.deltas for change in changes))
        return True

    def save(self, change: Change, before: Job) -> None:
        """Write what was decided on ``before``, and count it."""
        job = change.job
        if job.version == before.version:
            return
        self._running.pop(job.key, None)
        if job.ended_at is not None:
            self._save("save_ended", rows.ended(job, before))
        elif job.lane is Lane.PROCESSING and before.lane is Lane.READY:
            self._save("save_started", rows.started(job, before))
            self._running[job.key] = job
        elif change.event is None and job.lane is before.lane:
            self._save("save_progress", (rows.progress_text(job.progress), job.version, job.key, before.version))
        else:
            self._save("save_job", rows.saved(job, before))
        self._keep(change)

    def _save(self, name: str, params: tuple[Any, ...]) -> None:
        if name != self._saving:
            self.flush()
            self._saving = name
        self._saved.append(params)

    def flush(self) -> None:
        """Write what was saved.

        Raises:
            StoreError: a row is not the one that was decided on.
        """
        saved, self._saved = self._saved, []
        if not saved:
            return
        before = self._connection.total_changes()
        self._cursor.executemany(SQL[self._saving], saved)
        done = self._connection.total_changes() - before
        if done != len(saved):
            *_, key, version = saved[0]
            message = (
                f"{len(saved) - done} of {len(saved)} jobs changed under their own transaction ({self._saving}, "
                f"the first is {key} at version {version}): nothing was written"
            )
            raise StoreError(message)

    def _keep(self, change: Change) -> None:
        job, event = change.job, change.event
        if job.lane is Lane.READY:
            self.left.add(job.id)
        else:
            self.left.discard(job.id)
        if change.began is not None:
            self._history.append(rows.history_of(job, change.began))
        if event is not None:
            self._history.append(rows.history_of(job, event))
            if event.name is EventName.COMPLETED:
                self._completed[job.type_id] = event.at
            self.calls |= event.name is EventName.CANCEL_REQUESTED
        self.book(change.deltas)

    def book(self, deltas: Iterable[Delta]) -> None:
        """Count."""
        self._deltas += deltas

    def book_user(self, metrics: Iterable[UserDelta]) -> None:
        """Count in the users' own series."""
        for delta in metrics:
            family = (self._series(delta), 0, NO_PRIORITY)
            if delta.kind == "histogram":
                observe_into(self._cells, family, delta.amount, self._ladder)
            else:
                cell = (*family, 0)
                self._cells[cell] = self._cells.get(cell, 0) + delta.amount

    def _series(self, delta: UserDelta) -> int:
        """The number of the series that a count goes to."""
        labels = json.dumps(delta.labels)
        known = self.one("find_user_series", (delta.name, labels))
        if known is not None and known[1] == delta.kind:
            self._describe(delta, known[2])
            return int(known[0])
        used, kind, text, number = self.one("user_series_budget", (delta.name, USER_NUMBERS - 1))
        if kind is not None and kind != delta.kind:
            # A name has one kind for ever: what doesn't fit is counted beside it, not lost with the job's outcome.
            stem = delta.name.removesuffix("_total")
            suffix = "_total" if delta.kind == "counter" else ""
            return self._series(_renamed(delta, f"{stem}_as_{delta.kind}{suffix}"))
        fitting = within_budget(delta, used, number - USER_NUMBERS)
        if fitting is not delta:
            return self._series(fitting)
        self.write("add_user_series", (number, delta.name, delta.kind, labels, text or delta.help))
        self._describe(delta, text or delta.help)
        return int(number)

    def _describe(self, delta: UserDelta, known: str) -> None:
        if delta.help not in {"", known}:
            self.write("describe_user_series", (delta.help, delta.name))

    def close(self, writer_id: int) -> None:
        """Write history, ledger and clock: the last statements before COMMIT."""
        self.flush()
        if self._history:
            self._cursor.executemany(SQL["add_history"], self._history)
        if self._completed:
            self._cursor.executemany(SQL["note_completed"], list(self._completed.items()))
        merge(self._cells, self._deltas, self._ladder)
        cells: list[tuple[int, ...]] = [
            (writer_id, *cell, value) for cell, value in self._cells.items() if value and cell[0] < USER_NUMBERS
        ]
        for cell, value in self._cells.items():
            if cell[0] >= USER_NUMBERS:
                cells += self._carried(writer_id, cell, value)
        if cells:
            self._cursor.executemany(SQL["add_to_ledger"], cells)
        self.write("turn_page", (self._number, self.now))

    def carry_to_base(self, cells: Iterable[tuple[int, int, int, int, int]]) -> None:
        """Add cells of users' series to the base."""
        for number, type_id, priority, cell, value in cells:
            rows_ = self._carried(BASE, (number, type_id, priority, cell), value)
            self._cursor.executemany(SQL["add_to_ledger"], rows_)

    def _carried(self, writer_id: int, cell: tuple[int, int, int, int], value: int) -> list[tuple[int, ...]]:
        """Users count bytes, too: what exceeds a word goes to a second row, whose number is negative."""
        number, *rest = cell
        row = self.one("ledger_value", (writer_id, *cell))
        before: int = 0 if row is None else row[0]
        high, low = divmod(before + value, WORD)
        carried = [(writer_id, number, *rest, low - before)]
        return [*carried, (writer_id, -number, *rest, high)] if high else carried


def _renamed(delta: UserDelta, name: str) -> UserDelta:
    return type(delta)(name, delta.kind, delta.labels, delta.amount)
