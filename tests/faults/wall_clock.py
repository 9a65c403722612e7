"""Processes whose wall clock is set while they run; clocks that never go back are left alone.

Of Python's own processes the wall clock is replaced in themselves: Debian's libfaketime (0.9.10) takes the absolute
times of `clock_nanosleep` for wall time, whatever the clock, so that `time.sleep` fails or does not end there. A
PostgreSQL server is set by that library: it does not sleep in this way.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

HOUR: Final = 3600
EXECUTABLE: Final = "faketime"
"""Of the Debian package with the same name; it brings the library."""
_VARIABLE: Final = "JOBLEDGER_TEST_WALL_CLOCK"
_LIBRARIES: Final = Path("/usr/lib")
_SECOND: Final = 1_000_000_000


class WallClock:
    """The wall clock of the processes that are started with its variables.

    Args:
        path: a file that says how far it is off; they read it again every time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """It is off by so many seconds from now on."""
        new = self._path.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n", encoding="ascii")
        new.chmod(0o644)
        new.replace(self._path)

    @property
    def variables(self) -> dict[str, str]:
        """For a process that calls :func:`follow`."""
        return {_VARIABLE: str(self._path)}

    @property
    def preloaded(self) -> dict[str, str]:
        """For any other process."""
        return {
            "LD_PRELOAD": str(next(_LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"))),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


def follow() -> None:
    """Go by the clock of this process's environment, if it has one; all that asks the module `time` does."""
    if (path := os.environ.get(_VARIABLE)) is None:
        return
    file, really = Path(path), time.time_ns

    def time_ns() -> int:
        return really() + int(file.read_text(encoding="ascii")) * _SECOND

    time.time_ns = time_ns
    time.time = lambda: time_ns() / _SECOND
