"""The database file, and the connections to it that all processes of a run share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger._types import Micros


class Disk:
    """One file.

    Attributes:
        writer: as the store opens it, and ``ladder``, which comes with it; ``reader`` likewise.
        own: the simulation's own, which only reads.
    """

    def __init__(self, path: Path) -> None:
        self.writer: apsw.Connection | None = None
        self.ladder: tuple[Micros, ...] = ()
        self.reader: apsw.Connection | None = None
        self.own = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)

    def close(self) -> None:
        """Close all."""
        for connection in (self.writer, self.reader, self.own):
            if connection is not None:
                connection.close()
