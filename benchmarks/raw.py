"""The same disk without jobledger: bare apsw, WAL, ``synchronous=FULL``, tables with hardly an index."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import apsw
import uuid_utils

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = """
CREATE TABLE job (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state INTEGER NOT NULL, payload BLOB NOT NULL
) STRICT;
CREATE INDEX job_ready ON job (key) WHERE state = 0;
"""
_INSERT = "INSERT INTO job (id, state, payload) VALUES (?, 0, ?)"
_READY = "SELECT key, id, payload FROM job WHERE state = 0 LIMIT ?"
_SET = "UPDATE job SET state = ? WHERE key = ?"


class Raw:
    """A table of jobs, and nothing else."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path))
        self._connection.pragma("journal_mode", "wal")
        self._connection.pragma("synchronous", 2)
        self._connection.execute(_SCHEMA)

    def insert(self, rows: int = 1) -> float:
        """Insert rows in one transaction; seconds."""
        began = perf_counter()
        with self._connection:
            self._connection.executemany(_INSERT, [(str(uuid_utils.uuid7()), b'{"i":0}') for _ in range(rows)])
        return perf_counter() - began

    def drain(self, batch: int) -> float:
        """Complete a batch and claim the next, in one transaction, until nothing is left; rows per second."""
        done, running = 0, list[tuple[int, int]]()
        began = perf_counter()
        while True:
            with self._connection:
                self._connection.executemany(_SET, [(2, key) for _, key in running])
                claimed = self._connection.execute(_READY, (batch,)).fetchall()
                done += len(running)
                running = [(1, int(str(row[0]))) for row in claimed]
                self._connection.executemany(_SET, running)
            if not running:
                return done / (perf_counter() - began)

    def close(self) -> None:
        self._connection.close()
