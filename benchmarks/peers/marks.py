"""Where handlers write down that they ran: a record for each, appended to one file by all worker processes."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

FILE = "PEERS_MARKS"
"""The environment variable that names the file."""
_RECORD = struct.Struct("<qq")
_NO_FILE = -1
_file = _NO_FILE


def mark(number: int) -> None:
    """The first and only line of every handler: this job runs now."""
    now = time.monotonic_ns()
    global _file  # noqa: PLW0603 - one for each process
    if _file == _NO_FILE:
        _file = os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    os.write(_file, _RECORD.pack(number, now))


class Marks:
    """The file, as the driver reads it."""

    def __init__(self) -> None:
        self._path = Path(os.environ[FILE])
        self._path.touch()

    def count(self) -> int:
        """How many handlers have started."""
        return self._path.stat().st_size // _RECORD.size

    def times(self) -> dict[int, int]:
        """When each job started first, by its number, in nanoseconds of the monotonic clock."""
        times: dict[int, int] = {}
        for number, at in _RECORD.iter_unpack(self._path.read_bytes()):
            times.setdefault(number, at)
        return times
