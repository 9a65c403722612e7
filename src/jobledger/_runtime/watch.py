"""Which workers have fallen silent: by beats that don't change, never by comparing clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._types import micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger._store.contract import Vital
    from jobledger._types import Micros


class Watch:
    """Counts the time that this process was itself awake since it saw a worker's beat change.

    A look that comes late, because this process was stopped or busy, counts for one pause only: of workers that were
    all stopped together and go on together, none takes another for dead.

    Args:
        pause: seconds between two looks; late is what comes after more than twice as long.
    """

    def __init__(self, pause: float) -> None:
        """Nobody is known yet."""
        self._pause = micros(pause)
        self._awake: Micros = 0
        self._looked: Micros | None = None
        self._seen: dict[int, tuple[int, Micros]] = {}

    def silent(self, vitals: Iterable[Vital], asked: float, heard: float | None = None) -> tuple[int, ...]:
        """Writers that were silent for their whole lease, at a look.

        A silence begins when the answer that shows its beat has come, and lasts until the latest question was asked:
        how long the answers take is nobody's silence.

        Args:
            vitals: what was just read.
            asked: when that was asked, in seconds on a clock that never goes back.
            heard: when the answer had come; None: at once.
        """
        moment = micros(asked)
        took = 0 if heard is None else micros(heard) - moment
        passed = 0 if self._looked is None else moment - self._looked
        self._awake += passed if passed <= 2 * self._pause else self._pause
        self._looked = moment
        before, self._seen = self._seen, {}
        for vital in vitals:
            beat, since = before.get(vital.writer_id, (None, 0))
            self._seen[vital.writer_id] = (vital.beat, since if beat == vital.beat else self._awake + took)
        leased = (vital for vital in vitals if vital.lease)
        return tuple(v.writer_id for v in leased if self._awake - self._seen[v.writer_id][1] >= v.lease)
