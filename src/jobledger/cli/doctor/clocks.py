"""The wall clock, and the store's."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from jobledger._types import seconds
from jobledger.cli.doctor.finding import Finding, broken, ok, warning
from jobledger.cli.moments import clock, length
from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.patient import Patient

_EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""Before that there was no jobledger."""
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_AHEAD: Final = 2.0


def clocks(patient: Patient) -> Iterator[Finding]:
    """Whether the wall clock can be right, and whether the store's clock has been led astray by a wrong one."""
    wall = time.time()
    shown = clock(datetime.fromtimestamp(wall, UTC))
    if not _EARLIEST <= wall < _LATEST:
        yield broken(f"the clock of this machine says {shown}", "set it: timedatectl set-ntp true")
        return
    if isinstance(patient.facts, StoreError):
        yield ok(f"{shown}, which can be right")
        return
    ahead = seconds(patient.facts.now) - wall
    if ahead > _AHEAD:
        yield warning(
            f"the store's clock is {length(ahead)} ahead of this machine's: a wall clock was ahead once and went back",
            f"check the clock (timedatectl). It is made good in {length(2 * ahead)} of work; until then delays and "
            "back-offs take twice as long",
        )
    else:
        yield ok(f"{shown}; the store's clock is not ahead of it")
