"""What the threads of a trial share: when to stop, who lives, what was counted and what was found."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.postgres.proof.schema import Place
    from tests.postgres.proof.shape import Shape


class Hall:
    """One trial.

    Attributes:
        types: numbers of the job types.
        drained: no new jobs any more: what is there must come to its end.
        over: everybody goes home.
        backends: the connection on which each worker writes, by its writer.
    """

    def __init__(self, place: Place, shape: Shape, seed: int, types: tuple[int, ...]) -> None:
        self.place = place
        self.shape = shape
        self.seed = seed
        self.types = types
        self.drained = threading.Event()
        self.over = threading.Event()
        self.broken = threading.Event()
        self.backends: dict[int, Callable[[], int | None]] = {}
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._findings: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def count(self, what: str, by: int = 1) -> None:
        with self._lock:
            self._counts[what] += by

    def counted(self, what: str) -> int:
        with self._lock:
            return self._counts[what]

    def find(self, kind: str, example: object) -> None:
        """What must not be."""
        with self._lock:
            self._findings[kind] += 1
            self._examples.setdefault(kind, str(example))
        self.broken.set()

    def pause(self, rng: Random, longest: float) -> None:
        """Between two things that one thread does; the end of the trial cuts it short."""
        self.over.wait(rng.random() * longest)

    def live(self, rng: Random) -> int | None:
        """A worker that lives, as far as is known here."""
        with self._lock:
            return rng.choice(sorted(self.backends)) if self.backends else None

    def joins(self, writer_id: int, backend: Callable[[], int | None]) -> None:
        with self._lock:
            self.backends[writer_id] = backend

    def leaves(self, writer_id: int) -> None:
        with self._lock:
            self.backends.pop(writer_id, None)

    def guarded(self, run: Callable[[], None], name: str) -> Callable[[], None]:
        """A thread's whole life: what it raises is a finding, unless all are being sent home."""

        def life() -> None:
            try:
                run()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                if not self.over.is_set():
                    self.find(f"crashed: {type(error).__name__}: {error}"[:160], f"{name}: {_shortly()}")

        return life

    def said(self) -> tuple[dict[str, int], dict[str, int], dict[str, str]]:
        """Counts, findings, and an example of each finding."""
        with self._lock:
            return dict(self._counts), dict(self._findings), dict(self._examples)


def _shortly() -> str:
    """The end of the traceback: where it came from."""
    return "".join(traceback.format_exc().splitlines(keepends=True)[-12:])
