"""Faults that are built into the store on purpose: each must be found, or the sweep proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jobledger._store.sqlite import batch
from jobledger._store.sqlite.pages import BASE, SQL, Pages
from jobledger._store.sqlite.store import SqliteStore
from tests.faults.crashes.verdict import BALANCED, HALF, LOST

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    import apsw

    from jobledger._core.commands import SubmitAll
    from jobledger._store.contract import Batch, Committed

    Put: TypeAlias = Callable[[object, str, object], None]


class Breakage(NamedTuple):
    """A fault, and the rule that it breaks.

    Attributes:
        build_in: is given a function like `setattr`.
    """

    build_in: Callable[[Put], None]
    found_by: str


def early_answers(put: Put) -> None:
    """A client is answered first; its batch is committed when the next transaction begins."""
    really_end, really_begin, really_commit = SqliteStore._end, SqliteStore._transaction, SqliteStore.commit
    late: list[apsw.Connection] = []
    clients: list[bool] = []

    def commit(store: SqliteStore, batch: Batch) -> Committed:
        clients.append(batch.claim is None)
        try:
            return really_commit(store, batch)
        finally:
            clients.pop()

    def end(store: SqliteStore, writer: apsw.Connection) -> None:
        if any(clients):
            late.append(writer)
        else:
            really_end(store, writer)

    def transaction(store: SqliteStore, *rest: Any) -> Any:
        while late:
            really_end(store, late.pop())
        return really_begin(store, *rest)

    put(SqliteStore, "commit", commit)
    put(SqliteStore, "_end", end)
    put(SqliteStore, "_transaction", transaction)


def ledger_apart(put: Put) -> None:
    """The rows are committed before what counts them."""
    really_close = Pages.close

    def close(pages: Pages, writer_id: int) -> None:
        pages._connection.execute(SQL["commit"])
        pages._connection.execute(SQL["begin"])
        really_close(pages, writer_id)

    put(Pages, "close", close)


def half_batches(put: Put) -> None:
    """Every item of a batch is a transaction of its own."""

    def accept_all(pages: Pages, command: SubmitAll) -> tuple[Any, ...]:
        answers: list[Any] = []
        for item in command.items:
            answers.append(batch.accept(pages, item))
            pages.close(BASE)
            pages._cells.clear()
            pages._deltas.clear()
            pages._history.clear()
            pages._connection.execute(SQL["commit"])
            pages._connection.execute(SQL["begin"])
        return tuple(answers)

    put(batch, "_accept_all", accept_all)


BREAKAGES: Final = {
    "early-answers": Breakage(early_answers, LOST),
    "ledger-apart": Breakage(ledger_apart, BALANCED),
    "half-batches": Breakage(half_batches, HALF),
}
