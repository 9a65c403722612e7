"""New jobs of a batch: those that differ in nothing but id and payload are decided once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from jobledger._core.decide import Change, submit

if TYPE_CHECKING:
    from jobledger._core.commands import Submit
    from jobledger._types import Micros


class Alike:
    """Accepts the jobs of one batch, as :func:`jobledger._core.decide.submit` does, at a fraction of its price.

    Args:
        now: the time of the batch; nobody has looked at a mailbox.
    """

    def __init__(self, now: Micros) -> None:
        """No job was accepted."""
        self._now = now
        self._latest: tuple[Submit, Change] | None = None

    def submit(self, command: Submit, number: int) -> Change:
        """Accept a job; ``number`` becomes its order."""
        form = replace(command, id="", payload=b"")
        if self._latest is None or self._latest[0] != form:
            change = submit(command, self._now, number=number, occupied=None)
            self._latest = form, change
            return change
        alike = self._latest[1]
        job = replace(alike.job, key=number, id=command.id, seq=number)
        return Change(job, alike.event, alike.deltas)
