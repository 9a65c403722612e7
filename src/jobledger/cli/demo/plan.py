"""Which job is submitted how: decided before anything is sent."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger import Item
from jobledger.cli.demo.files import MIN_BROKEN, File, write_known_bad

if TYPE_CHECKING:
    from pathlib import Path

DELAY_SECONDS: Final = 1.0
_EACH: Final = 8
"""So many jobs get each special treatment."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The files and what is done with their jobs; files are named by their place in ``files``.

    Attributes:
        files: the library's and, behind them, the known bad ones.
        known_bad: how many of them the demo wrote itself; the first of these is repaired and replayed.
        delayed: due a second later.
        doubled: submitted twice under one dedupe key.
        cancelled: cancelled before any worker is alive.
        overtaken: at the end of the deepest mailbox; cancelled while the worker is busy with its beginning.
    """

    root: Path
    files: list[File]
    known_bad: int
    delayed: frozenset[int]
    doubled: frozenset[int]
    cancelled: frozenset[int]
    overtaken: frozenset[int]

    @property
    def repairable(self) -> int:
        """The first known bad file."""
        return len(self.files) - self.known_bad

    @property
    def from_library(self) -> list[File]:
        """The files that were found."""
        return self.files[: self.repairable]

    def item(self, index: int) -> Item:
        """The job of one file."""
        file = self.files[index]
        return Item(
            {"path": str(file.path)},
            entity=file.folder,
            priority=file.priority,
            delay=DELAY_SECONDS if index in self.delayed else None,
            dedupe=str(file.path)[-200:] if index in self.doubled else None,
        )


def plan(root: Path, found: list[File], inputs: Path) -> Plan:
    """Pick the jobs for each special treatment among the good files, no job for two."""
    broken = sum(not file.decodable for file in found)
    known_bad = write_known_bad(inputs, max(1, MIN_BROKEN - broken))
    overtaken = _end_of_deepest_mailbox(found)
    good = [index for index, file in enumerate(found) if file.decodable and index not in overtaken]
    step = max(1, len(good) // (3 * _EACH))
    picks = good[::step][: 3 * _EACH]
    return Plan(
        root=root,
        files=[*found, *known_bad],
        known_bad=len(known_bad),
        delayed=frozenset(picks[0::3]),
        doubled=frozenset(picks[1::3]),
        cancelled=frozenset(picks[2::3]),
        overtaken=overtaken,
    )


def _end_of_deepest_mailbox(files: list[File]) -> frozenset[int]:
    (deepest, _), *_ = Counter(file.folder for file in files).most_common(1)
    backwards = (i for i in reversed(range(len(files))) if files[i].folder == deepest and files[i].decodable)
    return frozenset(islice(backwards, _EACH))
