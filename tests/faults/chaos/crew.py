"""The processes of a run: workers and one submitter, started again whenever they were killed."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.chaos.journal import Lines
from tests.faults.chaos.lines import Meant, Told
from tests.faults.chaos.pause import pause_blocking
from tests.faults.program import started

if TYPE_CHECKING:
    from tests.faults.chaos.settings import Settings

END_SECONDS = 30.0


class Crew:
    """Starts processes, and knows which should be there.

    Attributes:
        workers: by their place.
        submitter: None when it has done its work.
        failed: processes that ended without having been told to.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._arguments = str(settings.written())
        self._log = settings.log_path.open("ab")
        self.failed: list[str] = []
        self.workers = [self._worker() for _ in range(settings.workers)]
        self.submitter: subprocess.Popen[bytes] | None = self._submitter()

    def replace(self, process: subprocess.Popen[bytes]) -> None:
        """Start a killed process again, at once."""
        process.wait()
        if process is self.submitter:
            self.submitter = self._submitter()
        else:
            self.workers[self.workers.index(process)] = self._worker()

    def watch(self) -> None:
        """Note who has ended by itself; a submitter may, when it has done its work."""
        if self.submitter is not None and self.submitter.poll() is not None:
            if self.submitter.returncode != 0:
                self.failed.append(f"submitter {self.submitter.pid} ended with {self.submitter.returncode}")
            self.submitter = None
        for worker in self.workers:
            if worker.poll() is not None:
                self.failed.append(f"worker {worker.pid} ended with {worker.returncode}")
                self.replace(worker)

    def end(self) -> None:
        """Ask the workers to end, and wait for it."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            try:
                if worker.wait(END_SECONDS) != 0:
                    self.failed.append(f"worker {worker.pid} ended with {worker.returncode} after SIGTERM")
            except subprocess.TimeoutExpired:
                self.failed.append(f"worker {worker.pid} did not end within {END_SECONDS:.0f} s of SIGTERM")

    def abandon(self) -> None:
        """Leave no process behind, whatever happened."""
        for process in [*self.workers, *filter(None, [self.submitter])]:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        self._log.close()

    def _worker(self) -> subprocess.Popen[bytes]:
        return self._start("worker")

    def _submitter(self) -> subprocess.Popen[bytes]:
        """It goes on behind the last ticket that was meant: what became of that one stays unknown."""
        meant = [line.ticket for line in Lines(self._settings.answers_path, Told).all if isinstance(line, Meant)]
        return self._start("submitter", str(max(meant, default=-1) + 1))

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        return started(f"tests.faults.chaos.{program}", self._arguments, *arguments, output=self._log)


def is_stopped(pid: int) -> bool:
    """Whether the kernel has stopped it: a signal takes a moment."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text(encoding="ascii").rpartition(")")[2].split()[0] in "Tt"


def until_stopped(pid: int) -> None:
    while not is_stopped(pid):
        pause_blocking(0.0005)
