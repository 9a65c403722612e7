"""What the simulation has found in the library: each with a seed that finds it again, were the fault built in anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._runtime.watch import Watch
from jobledger._store.sqlite import pages, prospect
from tests.faults.simulation import chronicle, run
from tests.faults.simulation.mutants import Mutant

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw
    import pytest

    from jobledger._store.contract import Room, Vital


def the_fenced_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker went on just before it was taken over: its one batch came too early to be refused.

    With nothing more to write it never learned that it was fenced, and its code ran on beside whoever had its jobs.
    """

    def mutated(connection: apsw.Connection, writer_id: int, room: Room) -> bool:
        return len(connection.execute(pages.SQL["stops"], (writer_id,)).fetchall()) > room.stops

    monkeypatch.setattr(prospect, "_is_called", mutated)


def a_late_answer_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that was answered late counted the answer's way as silence: workers were taken over too early."""
    silent = Watch.silent

    def mutated(self: Watch, vitals: Iterable[Vital], _: float, heard: float) -> tuple[int, ...]:
        return silent(self, vitals, heard)

    monkeypatch.setattr(Watch, "silent", mutated)


KEPT: Final[dict[int, Mutant]] = {
    422: Mutant("the fenced are not told", run.STUCK, the_fenced_are_not_told),
    2805: Mutant("a late answer is silence", chronicle.FAIR, a_late_answer_is_silence),
}
"""By seed."""
