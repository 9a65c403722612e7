"""A connection that reads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from jobledger._store.sqlite import connection as files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import apsw

Read = TypeVar("Read")


class Reader:
    """One connection, opened when it is first needed, and one read at a time.

    Args:
        path: the database file.
        boundaries: the ladder that the store must have; None takes any.

    Attributes:
        connection: None while it is not open.
    """

    def __init__(self, path: Path, boundaries: tuple[float, ...] | None) -> None:
        """Remember where; nothing is opened yet."""
        self._path = path
        self._wanted = boundaries
        self._newest = files.newest()
        self._turn = threading.Lock()
        self.connection: apsw.Connection | None = None

    def read(self, read: Callable[[apsw.Connection], Read]) -> Read:
        """What a function reads, from a schema that this version knows.

        Raises:
            StoreError: with what to do about it.
        """
        with self._turn, files.reported(self._path):
            if self.connection is None:
                opened = files.open_reader(self._path)
                files.check_boundaries(opened, self._wanted)
                self.connection = opened
            try:
                return read(self.connection)
            finally:
                files.gate(self.connection, self._newest)

    def close(self) -> None:
        """Give the connection back, after the read that is under way."""
        with self._turn:
            if self.connection is not None:
                self.connection.close()
            self.connection = None
