"""What is looked at: a database that may be anything, and a store in it if there is one."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from jobledger._clock import SystemClock
from jobledger._store.open import open_store
from jobledger._store.postgres.checkup import Checkup
from jobledger._store.postgres.migrate import NEEDED, NEWEST
from jobledger._store.postgres.target import Target
from jobledger.errors import JobledgerError, StoreError

if TYPE_CHECKING:
    from typing import Self

    from jobledger._core.reads import LedgerRead
    from jobledger._store.contract import Store


class Patient:
    """A store, its schema, its server and the way there.

    Args:
        url: the store.
        source: where the URL comes from.

    Attributes:
        ask: asks the database.
    """

    def __init__(self, url: str, source: str) -> None:
        """Nothing is connected yet.

        Raises:
            InvalidOption: the URL can't be read, or the driver is not installed.
        """
        self.url = url
        self.source = source
        self.store: Store = open_store(url, SystemClock().now)
        self.ask = Checkup(Target.of(url))

    def __enter__(self) -> Self:
        """As it is."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self.ask.close()
        self.store.close()

    @cached_property
    def trouble(self) -> JobledgerError | None:
        """Why nothing can be asked; None if it can."""
        try:
            _ = self.ask.server
        except JobledgerError as error:
            return error
        return None

    @cached_property
    def works(self) -> bool:
        """Whether there is a store that this version can read."""
        if self.trouble is not None:
            return False
        try:
            book = self.ask.book
        except StoreError:
            return False
        return book is not None and book.version >= NEEDED and book.needs <= NEWEST

    @cached_property
    def books(self) -> LedgerRead:
        """The books, from one snapshot."""
        return self.store.ledger()
