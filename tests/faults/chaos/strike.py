"""Signals to processes taken at random, at moments taken at random or while they hold the write lock."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from jobledger._store.sqlite.lockfile import lock_file
from tests.faults.chaos.crew import until_stopped
from tests.faults.chaos.lines import Signalled

if TYPE_CHECKING:
    import subprocess

    from tests.faults.chaos.crew import Crew
    from tests.faults.chaos.journal import Journal
    from tests.faults.chaos.settings import Settings

_AIMED = 0.5
"""The share of the kills that wait for an open transaction."""
_AIM_SECONDS = 0.2
_EVERY_SUBMITTER = 4


class _Stopped(NamedTuple):
    process: subprocess.Popen[bytes]
    at: int
    wall: int
    locked: bool | None
    until: int
    alone: bool
    """Nobody is killed meanwhile, so that others live long enough to notice."""


class Striker:
    """Who is hit, and when."""

    def __init__(self, crew: Crew, settings: Settings, journal: Journal) -> None:
        self._crew = crew
        self._settings = settings
        self._journal = journal
        self._chance = random.Random(f"{settings.seed}:striker")
        self._stopped: _Stopped | None = None
        self._strikes = 0

    def strike(self) -> None:
        """One signal to a worker, and now and then one to the submitter."""
        self._strikes += 1
        if self._strikes % _EVERY_SUBMITTER == 0 and self._crew.submitter is not None:
            self._kill(self._crew.submitter, "submitter")
        what = self._chance.choice(self._settings.signals)
        if what == "stop" and self._stopped is None:
            self._stop(self._chance.choice(self._crew.workers))
            return
        spared = [self._stopped.process] if self._stopped is not None else []
        if self._stopped is not None and self._stopped.alone:
            spared = self._crew.workers
        victims = [worker for worker in self._crew.workers if worker not in spared]
        if "kill" in self._settings.signals and victims:
            self._kill(self._chance.choice(victims), "worker")

    def step(self) -> None:
        """Continue who was stopped for long enough."""
        if self._stopped is not None and time.monotonic_ns() >= self._stopped.until:
            self.proceed()

    def proceed(self) -> None:
        """Continue whoever is stopped."""
        if self._stopped is not None:
            process, at, wall, locked, *_ = self._stopped
            process.send_signal(signal.SIGCONT)
            self._journal.write(Signalled("worker", process.pid, "stop", at, wall, time.monotonic_ns(), locked))
            self._stopped = None

    def _kill(self, process: subprocess.Popen[bytes], role: str) -> None:
        locked = self._aimed(process.pid) if self._chance.random() < _AIMED else self._holds(process.pid)
        at, wall = time.monotonic_ns(), time.time_ns() // 1000
        process.kill()
        process.wait()
        self._journal.write(Signalled(role, process.pid, "kill", at, wall, time.monotonic_ns(), locked))
        self._crew.replace(process)

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """For longer than the lease: others take over, and do not wait for it."""
        at, wall = time.monotonic_ns(), time.time_ns() // 1000
        process.send_signal(signal.SIGSTOP)
        until_stopped(process.pid)
        until = at + round(2.0 * self._settings.lease * 1e9)
        self._stopped = _Stopped(process, at, wall, self._holds(process.pid), until, self._chance.random() < 0.5)

    def _aimed(self, pid: int) -> bool | None:
        """Wait a little until it is in a transaction: that is when a kill should do no harm."""
        deadline = time.monotonic() + _AIM_SECONDS
        while time.monotonic() < deadline:
            holds = self._holds(pid)
            if holds is not False:
                return holds
        return False

    def _holds(self, pid: int) -> bool | None:
        """Whether a process holds the write lock of an SQLite store now."""
        url = urlsplit(self._settings.url)
        if url.scheme != "sqlite":
            return None
        return lock_file(Path(unquote(url.path.removeprefix("/")))).writer() == pid
