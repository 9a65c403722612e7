"""One strike, and everything that has to hold after it."""

from __future__ import annotations

import asyncio
import re
import shutil
from typing import TYPE_CHECKING, Final

import msgspec

from tests.faults.chaos.finding import Finding
from tests.faults.crashes import books
from tests.faults.crashes.notes import Kept
from tests.faults.crashes.program import REFUSED
from tests.faults.crashes.strike import KILLED, Outcome, Strike, tell
from tests.faults.crashes.verdict import judge
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KILL: Final = "signal=SIGKILL"
FULL: Final = "error=ENOSPC"
FAILS: Final = "error=EIO"
STRETCH: Final = 4
"""Calls that fail one after the other, where the disk has space again afterwards."""
CLEAR = "the program says what is wrong, or ends well"
RETRIED = "a log whose commit could not be synced is not synced again"
LEFT = "a store that was closed has no log"
_LOGS: Final = ("-journal", "-wal", "-shm")
_SYNC: Final = re.compile(r"fdatasync\(\d+<[^>]*-wal>\)")


class Survived(msgspec.Struct, frozen=True):
    """A strike, and what is off after it."""

    strike: Strike
    struck: bool
    error: str | None
    findings: list[Finding]
    jobs: int


def survive(folder: Path, strike: Strike) -> Survived:
    """Strike, look at what is left, run what is left, and look again."""
    outcome = tell(folder, strike)
    as_found = books.read(outcome.path)
    found = [*_manners(strike, outcome), *judge(outcome.lines, as_found)]
    if not found:  # what is broken is not worked with
        later = Kept()
        asyncio.run(books.drain(outcome.path, later))
        found += [Finding(LEFT, path.name) for path in folder.glob("jobs.db-*") if path.name.endswith(_LOGS)]
        found += judge([*outcome.lines, *later.all], books.read(outcome.path), drained=True)
    SqliteFile(outcome.path).forget()
    if not found:
        shutil.rmtree(folder)
    found = [Finding(one.rule, f"{one.what} ({strike})") for one in found]
    return Survived(strike, outcome.struck, outcome.error, found, 0 if as_found is None else len(as_found.records))


def _manners(strike: Strike, outcome: Outcome) -> list[Finding]:
    """How it ended."""
    expected = {0, REFUSED} if strike.fault != KILL else {0, KILLED}
    if outcome.code not in expected or "Traceback" in outcome.told:
        return [Finding(CLEAR, f"exit code {outcome.code} after {strike}: {outcome.told[-2000:]}")]
    if outcome.code == REFUSED and "error: " not in outcome.told:
        return [Finding(CLEAR, f"{strike}: {outcome.told}")]
    syncs = [line for line in outcome.trace if _SYNC.search(line)]
    failed = next((place for place, line in enumerate(syncs) if "INJECTED" in line), None)
    if outcome.error is not None and failed is not None and syncs[failed + 1 :]:
        return [Finding(RETRIED, f"{strike}: {syncs[failed + 1]}")]
    return []


def strikes(calls: Mapping[str, int], fault: str, breakage: str = "") -> list[Strike]:
    """One at every call of a run."""
    kinds = {KILL: calls, FULL: ("pwrite64", "ftruncate"), FAILS: ("pwrite64", "fdatasync")}[fault]
    return [
        Strike(call, fault, f"{n}..{n + STRETCH - 1}" if fault == FULL else str(n), breakage)
        for call in kinds
        for n in range(1, calls[call] + 1)
    ]


def spread(every: list[Strike], many: int, offset: float) -> list[Strike]:
    """Some of them at equal distances.

    Args:
        every: all of them.
        many: how many.
        offset: from 0 to 1, the place of the first one.
    """
    step = len(every) / many
    return [every[int((place + offset) * step)] for place in range(many)]
