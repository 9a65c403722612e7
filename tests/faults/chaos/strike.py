"""Kills of processes taken at random, at moments taken at random or while they hold the write lock."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from jobledger._store.sqlite.lockfile import lock_file
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


class Striker:
    """Who is killed, and when.

    Attributes:
        kills: of workers, so far.
    """

    def __init__(self, crew: Crew, settings: Settings, journal: Journal) -> None:
        self._crew = crew
        self._settings = settings
        self._journal = journal
        self._chance = random.Random(f"{settings.seed}:striker")
        self._strikes = 0
        self.kills = 0

    def strike(self) -> None:
        """Kill a worker, and now and then the submitter."""
        if "kill" not in self._settings.faults:
            return
        self._strikes += 1
        submitter = self._crew.submitter if self._strikes % _EVERY_SUBMITTER == 0 else None
        if submitter is not None and self._kill(submitter, "submitter"):
            self._crew.replace_submitter()
        if victims := self._crew.victims:
            victim = self._chance.choice(victims)
            if self._kill(victim.process, "worker"):
                self._crew.replace(victim)
                self.kills += 1

    def _kill(self, process: subprocess.Popen[bytes], role: str) -> bool:
        """Whether it was alive: what has ended by itself, or by a poisoned job, is left to those who watch."""
        locked = self._aimed(process.pid) if self._chance.random() < _AIMED else self._holds(process.pid)
        at = time.monotonic_ns()
        if process.poll() is not None:
            return False
        process.kill()
        process.wait()
        self._journal.write(Signalled(role, process.pid, "kill", at, time.monotonic_ns(), locked))
        return True

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
        if not self._settings.is_a_file:
            return None
        return lock_file(Path(unquote(urlsplit(self._settings.url).path.removeprefix("/")))).writer() == pid
