"""Worker processes that a test stops, continues and kills by hand, and what their handlers wrote down."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.faults.chaos.crew import until_stopped
from tests.faults.chaos.journal import Lines
from tests.faults.chaos.lines import Ended, Enlisted, Seen, Started
from tests.faults.program import started

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.faults.chaos.settings import Settings


class Freezer:
    """Some workers of :mod:`tests.faults.chaos.worker` on one store.

    Args:
        settings: of the store, and where they write.
        variables: of their environment.

    Attributes:
        workers: their processes.
    """

    def __init__(self, settings: Settings, variables: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._variables = variables
        self._arguments = str(settings.written())
        self._log = settings.log_path.open("ab")
        self.workers = [self._new() for _ in range(settings.workers)]

    @property
    def lines(self) -> list[Any]:
        """All that has been written down so far."""
        return Lines(self._settings.attempts_path, Seen).all

    @property
    def started(self) -> list[Started]:
        return [line for line in self.lines if isinstance(line, Started)]

    @property
    def ended(self) -> list[Ended]:
        return [line for line in self.lines if isinstance(line, Ended)]

    @property
    def log(self) -> str:
        """What the workers have said."""
        return self._settings.log_path.read_text(encoding="utf-8", errors="replace")

    def writers(self, pid: int) -> list[int]:
        """The writers that a process has become, in order: its worker's, and clients' before and after."""
        return [line.writer for line in self.lines if isinstance(line, Enlisted) and line.pid == pid]

    def busiest(self) -> subprocess.Popen[bytes]:
        """The worker that has started most."""
        starts = Counter(line.pid for line in self.started)
        return max(self.workers, key=lambda worker: starts[worker.pid])

    def replace(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill one, and start another in its place."""
        worker.kill()
        worker.wait()
        self.workers[self.workers.index(worker)] = self._new()

    def stop(self, *workers: subprocess.Popen[bytes]) -> None:
        """As a laptop's lid does, or a debugger: returns when they stand still."""
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
        for worker in workers:
            until_stopped(worker.pid)

    def proceed(self, *workers: subprocess.Popen[bytes]) -> None:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)

    def _new(self) -> subprocess.Popen[bytes]:
        return started("tests.faults.chaos.worker", self._arguments, output=self._log, variables=self._variables)

    def close(self) -> None:
        """Leave nobody behind, stopped or not."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        self._log.close()
