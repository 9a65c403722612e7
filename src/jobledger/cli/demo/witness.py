"""The ground truth: what handlers see with their own eyes, written to a file that is kept apart from the ledger.

A line is written when an attempt begins and another one when it ends, each by one call of the system. So what a worker
had seen is still there after a kill -9.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from jobledger.errors import AttemptStopped

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from jobledger import Context


class Saw(StrEnum):
    """How an attempt ended, as its handler saw it."""

    NOTHING = "nothing yet"
    RETURNED = "returned"
    RAISED = "raised"
    STOPPED = "stopped"


class Sighting(msgspec.Struct):
    """One attempt, as its handler saw it; one line of the file.

    Attributes:
        fence: a number that no other attempt has.
        pid: the process of its worker.
        began: when, in seconds on the machine's monotonic clock; ``ended`` likewise.
        lines: how many lines it counted with ``ctx.metrics``.
    """

    job_id: str
    type: str
    entity: str | None
    attempt: int
    fence: int
    pid: int
    began: float
    ended: float | None = None
    saw: Saw = Saw.NOTHING
    lines: int = 0

    @property
    def seconds(self) -> float:
        """How long it took; 0 for one that never ended."""
        return 0.0 if self.ended is None else self.ended - self.began


class Witness:
    """Stands beside the attempts of one process. Without a file it keeps nothing."""

    def __init__(self) -> None:
        """No file yet."""
        self._file: int | None = None

    def write_to(self, path: Path) -> None:
        """Append to this file from now on; other processes may do so, too."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)

    @contextmanager
    def attempt(self, ctx: Context) -> Generator[Sighting]:
        """Stand beside an attempt; whatever ends it goes on its way."""
        sighting = Sighting(
            ctx.job_id, ctx.type, ctx.entity, ctx.attempt, ctx.fence, os.getpid(), time.monotonic()
        )  # fmt: skip
        self._write(sighting)
        try:
            yield sighting
            sighting.saw = Saw.RETURNED
        except (asyncio.CancelledError, AttemptStopped):
            sighting.saw = Saw.STOPPED
            raise
        except BaseException:
            sighting.saw = Saw.RAISED
            raise
        finally:
            sighting.ended = time.monotonic()
            self._write(sighting)

    def _write(self, sighting: Sighting) -> None:
        """The line break before it parts it from a line that a killed process could not finish."""
        if self._file is not None:
            os.write(self._file, b"\n%b\n" % msgspec.json.encode(sighting))
