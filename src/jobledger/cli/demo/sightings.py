"""What the witnesses in all workers have written, and what became of each attempt that they saw."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from jobledger.cli.demo.witness import Saw, Sighting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path


class Sightings:
    """The file of the witnesses, read as it grows.

    Args:
        path: where it is; it may still be missing.

    Attributes:
        path: the same.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self.path = path
        self._offset = 0
        self._seen: dict[int, Sighting] = {}

    def __iter__(self) -> Iterator[Sighting]:
        """All attempts, in the order in which they began."""
        return iter(sorted(self._seen.values(), key=lambda one: one.began))

    def look(self) -> None:
        """Read what was written since the last look."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        for sighting in filter(None, map(_read, whole.split(b"\n"))):
            self._seen[sighting.fence] = sighting

    def running(self, pid: int) -> list[Sighting]:
        """The attempts of a process that have begun and not ended."""
        return [one for one in self._seen.values() if one.pid == pid and one.ended is None]

    def has_run(self, pid: int, type_name: str) -> bool:
        """Whether a process has begun an attempt of a type."""
        return any(one.pid == pid and one.type == type_name for one in self._seen.values())

    def ended(self, pid: int) -> int:
        """How many attempts of a process have ended."""
        return sum(one.pid == pid and one.ended is not None for one in self._seen.values())


class Fates(msgspec.Struct, frozen=True):
    """What became of the attempts, worked out from what handlers saw and nothing else.

    Attributes:
        settled: whose outcome was committed: the ledger must count what the handler saw.
        lost: that ended with their worker: the ledger must count them as lost, and nothing of what they counted.
    """

    settled: tuple[Sighting, ...]
    lost: tuple[Sighting, ...]

    def of(self, type_name: str, *saw: Saw) -> list[Sighting]:
        """The settled attempts of a type that ended in one of these ways."""
        return [one for one in self.settled if one.type == type_name and one.saw in saw]


def fates_of(sightings: Iterable[Sighting], died: Collection[int]) -> Fates:
    """Tell the settled attempts from the lost ones.

    An attempt of a worker that died was lost if it never ended. It was lost as well if it had ended, and the same
    attempt of the same job then began once more: its outcome was not committed when the worker died. After a
    settled attempt that never happens: a return ends the job, and a failure gives its next attempt another number.

    Args:
        sightings: all, after everything has ended.
        died: the processes of workers that did not end in order.
    """
    by_job: dict[str, list[Sighting]] = {}
    for sighting in sorted(sightings, key=lambda one: one.fence):
        by_job.setdefault(sighting.job_id, []).append(sighting)
    settled: list[Sighting] = []
    lost: list[Sighting] = []
    for seen in by_job.values():
        again = {before.fence for before, after in pairwise(seen) if before.attempt == after.attempt}
        for one in seen:
            is_lost = one.pid in died and (one.ended is None or one.fence in again)
            (lost if is_lost else settled).append(one)
    return Fates(tuple(settled), tuple(lost))


def _read(line: bytes) -> Sighting | None:
    """A worker that is killed while it writes leaves a part of a line: then it had not seen the rest."""
    try:
        return msgspec.json.decode(line, type=Sighting) if line else None
    except msgspec.DecodeError:
        return None
