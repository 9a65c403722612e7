"""What is asked of a run; every process of it reads the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from jobledger._types import SECOND

Signal: TypeAlias = Literal["kill", "stop"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a run.

    Attributes:
        url: the store; ``folder`` is where all else is written.
        jobs: how many jobs are submitted, at least.
        seconds: how long processes are killed; ``every``: seconds between two signals.
        signals: what hits a worker: kill, or stop for longer than the lease and continue.
        seed: the plan, the victims and the moments.
        lease: of the workers, seconds; a stop lasts twice as long.
        patience: seconds that everything gets to end after the last kill.
    """

    url: str
    folder: str
    jobs: int = 20_000
    seconds: float = 30.0
    every: float = 1.0
    signals: tuple[Signal, ...] = ("kill",)
    seed: int = 1
    workers: int = 2
    slots: int = 60
    threads: int = 4
    lease: float = 10.0
    patience: float = 180.0

    @property
    def overlap(self) -> int:
        """Microseconds for which one submit may be under way beside another: an SQLite file takes one at a time."""
        return 0 if self.url.startswith("sqlite:") else SECOND

    @property
    def attempts_path(self) -> Path:
        """What handlers saw."""
        return Path(self.folder) / "attempts.jsonl"

    @property
    def answers_path(self) -> Path:
        """What callers were answered."""
        return Path(self.folder) / "answers.jsonl"

    @property
    def signals_path(self) -> Path:
        """Whom a signal hit."""
        return Path(self.folder) / "signals.jsonl"

    @property
    def log_path(self) -> Path:
        """What the processes logged."""
        return Path(self.folder) / "processes.log"

    @property
    def rate(self) -> float:
        """Jobs a second at which submits last as long as the kills."""
        return self.jobs / max(self.seconds, 1.0)

    def written(self) -> Path:
        """The file that the processes are given."""
        path = Path(self.folder) / "settings.json"
        path.write_bytes(msgspec.json.encode(self))
        return path


def read(path: str) -> Settings:
    return msgspec.json.decode(Path(path).read_bytes(), type=Settings)
