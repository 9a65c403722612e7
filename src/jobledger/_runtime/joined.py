"""The transaction of one attempt: its handler's own SQL, and the completion of its job."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from jobledger._core.commands import Settle
from jobledger._core.decide import Refusal
from jobledger._core.outcome import Done, Failed
from jobledger._runtime.told import clipped
from jobledger._store.joinable import Undone
from jobledger.errors import NoTransaction

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from jobledger._core.commands import Running
    from jobledger._core.decide import Verdict
    from jobledger._store.joinable import Transaction, Transactions

log = logging.getLogger("jobledger.worker")


class Joined:
    """At most one transaction is open at a time; the last one that is left open is completed with the job.

    Args:
        transactions: where they come from; None: the store has none.
        is_async: whether the handler runs on the loop that the connections belong to.
        sample: chance, for the back-off of an attempt that turns out to have failed.
    """

    __slots__ = ("_is_async", "_is_taken", "_sample", "_transaction", "_transactions")

    def __init__(self, transactions: Transactions | None, *, is_async: bool, sample: Callable[[], float]) -> None:
        """None is open."""
        self._transactions = transactions
        self._is_async = is_async
        self._is_taken = False
        self._transaction: Transaction | None = None
        self._sample = sample

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Any]:
        """See :meth:`jobledger.Context.transaction`."""
        transactions = self._checked()
        self._is_taken = True
        try:
            transaction = self._transaction = await transactions.begin()
            yield transaction.connection
        except BaseException:
            await self._undo()
            raise

    def _checked(self) -> Transactions:
        if self._transactions is None:
            raise NoTransaction("ctx.transaction() needs PostgreSQL, where jobs and your own data share a database")
        if not self._is_async:
            raise NoTransaction("ctx.transaction() needs an `async def` handler: its connection belongs to the loop")
        if self._is_taken:
            raise NoTransaction("an attempt has one transaction: use its connection, or a savepoint in it, again")
        return self._transactions

    async def _undo(self) -> None:
        transaction, self._transaction = self._transaction, None
        try:
            if transaction is not None:
                await transaction.undo()
        finally:
            self._is_taken = False

    async def end(self, ended: Running, before: Callable[[], Awaitable[None]]) -> tuple[Running, Verdict | None]:
        """What an attempt comes to, with its transaction; a verdict if that is committed already.

        Args:
            ended: what it would come to without one.
            before: to be awaited before the job is completed here.
        """
        if self._transaction is None:
            return ended, None
        if not (isinstance(ended, Settle) and isinstance(ended.outcome, Done)):
            await self._undo()
            return ended, None
        try:
            await before()
        except BaseException:
            await self._undo()
            raise
        return await self._completed(self._transaction, ended)

    async def _completed(self, transaction: Transaction, ended: Settle) -> tuple[Running, Verdict | None]:
        self._transaction = None
        try:
            verdict = await transaction.complete(ended)
        except Undone as error:
            log.warning("job %s: %s", ended.job_id, error)
            return self._failed(ended, str(error)), None
        if isinstance(verdict, Refusal):
            return self._failed(ended, "the job was taken over: its transaction was rolled back"), None
        return ended, verdict

    def _failed(self, ended: Settle, error: str) -> Settle:
        """Its effects are gone. So whatever the door makes of it, it must not become done."""
        outcome = Failed(clipped(error))
        return replace(ended, outcome=outcome, result=None, children=(), metrics=(), jitter=self._sample())
