"""The lock file as one simulated process sees it: the kernel's part is played by the machine."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jobledger._store.sqlite.lockfile import LockFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.simulation.machine import Machine
    from tests.faults.simulation.process import Process


class MachineLock(LockFile):
    """Life bytes that end with their process, and beats. Each transaction runs in one piece, so nobody waits."""

    def __init__(self, machine: Machine, process: Process) -> None:
        self.pid = os.getpid()
        self._machine = machine
        self._process = process

    @contextmanager
    def writing(self, timeout: float) -> Iterator[None]:  # noqa: ARG002 - nobody else can be writing
        yield

    def writer(self) -> int | None:
        return None

    def live(self, writer_id: int) -> None:
        self._machine.lives[writer_id] = self._process

    def die(self, writer_id: int) -> None:
        if self.holds(writer_id):
            del self._machine.lives[writer_id]

    def holds(self, writer_id: int) -> bool:
        return self._machine.lives.get(writer_id) is self._process

    def beat(self, writer_id: int, value: int) -> None:
        self._machine.beat(writer_id, value)

    def last_beat(self, writer_id: int) -> int:
        return self._machine.beats.get(writer_id, (0, 0.0))[0]

    def is_dead(self, writer_id: int) -> bool:
        return writer_id not in self._machine.lives
