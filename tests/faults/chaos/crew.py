"""The processes of a run: workers and one submitter, started again whenever they were killed."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.faults.chaos.journal import Journal, Lines
from tests.faults.chaos.lines import Meant, Seen, Signalled, Started, Told
from tests.faults.chaos.pause import pause_blocking
from tests.faults.chaos.plan import POISON
from tests.faults.program import started
from tests.faults.wall_clock import WallClock

if TYPE_CHECKING:
    from tests.faults.chaos.settings import Settings

END_SECONDS = 30.0
_GROWN_SECONDS = 2.0


class Worker(NamedTuple):
    """A worker process.

    Attributes:
        place: its number among the workers; whoever replaces it has the same.
        since: when it was started: seconds of the monotonic clock.
    """

    place: int
    process: subprocess.Popen[bytes]
    since: float

    @property
    def pid(self) -> int:
        return self.process.pid


class Crew:
    """Starts processes, and knows which should be there.

    Attributes:
        workers: those that should be there.
        submitter: None when it has done its work.
        failed: processes that ended without having been told to.
        spared: workers that are not killed now; ``is_spared``: none is.
    """

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._arguments = str(settings.written())
        self._log = settings.log_path.open("ab")
        self._clocks: dict[int, WallClock] = {}
        self._leaving: list[Worker] = []
        self.failed: list[str] = []
        self.spared: set[int] = set()
        self.is_spared = False
        self.workers = [self._worker(place) for place in range(settings.workers)]
        self.submitter: subprocess.Popen[bytes] | None = self._submitter()

    @property
    def victims(self) -> list[Worker]:
        """Whom a kill may hit: those who have had the time to begin, if there are any."""
        able = [] if self.is_spared else [worker for worker in self.workers if worker.pid not in self.spared]
        return [worker for worker in able if time.monotonic() - worker.since > _GROWN_SECONDS] or able

    def clock(self, place: int) -> WallClock:
        """The wall clock of the workers at a place."""
        if place not in self._clocks:
            self._clocks[place] = WallClock(Path(self._settings.folder) / f"wall-clock-{place}")
        return self._clocks[place]

    def replace(self, worker: Worker) -> None:
        """Start one that has ended again, at once."""
        worker.process.wait()
        self.workers[self.workers.index(worker)] = self._worker(worker.place)

    def replace_submitter(self) -> None:
        """The same."""
        assert self.submitter is not None
        self.submitter.wait()
        self.submitter = self._submitter()

    def hire(self) -> None:
        """One worker more."""
        self.workers.append(self._worker(max(worker.place for worker in self.workers) + 1))

    def dismiss(self, worker: Worker) -> None:
        """One worker less: it is asked to end, and gets time for that."""
        self.workers.remove(worker)
        worker.process.terminate()
        self._leaving.append(worker)

    def watch(self) -> None:
        """Note who has ended by itself; a submitter may, when it has done its work."""
        if self.submitter is not None and self.submitter.poll() is not None:
            if self.submitter.returncode != 0:
                self.failed.append(f"submitter {self.submitter.pid} ended with {self.submitter.returncode}")
            self.submitter = None
        for worker in list(self.workers):
            if worker.process.poll() is not None:
                if not self._was_poisoned(worker):
                    self.failed.append(f"worker {worker.pid} ended with {worker.process.returncode}")
                self.replace(worker)
        for worker in list(self._leaving):
            if worker.process.poll() is not None:
                self._leaving.remove(worker)
                self._check_end(worker)

    def end(self) -> None:
        """Ask the workers to end, and wait for it."""
        for worker in list(self.workers):
            self.dismiss(worker)
        for worker in self._leaving:
            try:
                worker.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.failed.append(f"worker {worker.pid} did not end within {END_SECONDS:.0f} s of SIGTERM")
            else:
                self._check_end(worker)

    def abandon(self) -> None:
        """Leave no process behind, whatever happened."""
        processes = [worker.process for worker in (*self.workers, *self._leaving)]
        for process in [*processes, *filter(None, [self.submitter])]:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        self._log.close()

    def _check_end(self, worker: Worker) -> None:
        """SIGTERM itself ends one that has not begun: it listens to that before it opens the store."""
        if worker.process.returncode not in {0, -signal.SIGTERM} and not self._was_poisoned(worker):
            self.failed.append(f"worker {worker.pid} ended with {worker.process.returncode} after SIGTERM")

    def _was_poisoned(self, worker: Worker) -> bool:
        """Whether a job has killed it: its start was the last that the worker did."""
        if worker.process.returncode != -signal.SIGKILL:
            return False
        seen = Lines(self._settings.attempts_path, Seen).all
        at = [line.at for line in seen if isinstance(line, Started) and (line.pid, line.type) == (worker.pid, POISON)]
        if at:
            self._journal.write(Signalled("worker", worker.pid, POISON, at[-1], at[-1]))
        return bool(at)

    def _worker(self, place: int) -> Worker:
        process = self._start("worker", str(place), variables=self.clock(place).variables)
        return Worker(place, process, time.monotonic())

    def _submitter(self) -> subprocess.Popen[bytes]:
        """It goes on behind the last ticket that was meant: what became of that one stays unknown."""
        meant = [line.ticket for line in Lines(self._settings.answers_path, Told).all if isinstance(line, Meant)]
        return self._start("submitter", str(max(meant, default=-1) + 1))

    def _start(self, program: str, *arguments: str, variables: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        words = self._arguments, *arguments
        return started(f"tests.faults.chaos.{program}", *words, output=self._log, variables=variables)


def is_stopped(pid: int) -> bool:
    """Whether the kernel has stopped it: a signal takes a moment."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text(encoding="ascii").rpartition(")")[2].split()[0] in "Tt"


def until_stopped(pid: int) -> None:
    while not is_stopped(pid):
        pause_blocking(0.0005)
