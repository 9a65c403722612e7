"""What is asked of a run; every process of it reads the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from jobledger._types import SECOND

Fault: TypeAlias = Literal["kill", "stop", "poison", "shift", "clock", "full", "restart", "cut", "stall"]
EVERYWHERE: Final[tuple[Fault, ...]] = ("kill", "stop", "poison", "shift", "clock", "full")
BY_A_SERVER: Final[tuple[Fault, ...]] = ("restart", "cut", "stall")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a run.

    Attributes:
        url: the store; ``folder`` is where all else is written.
        ways: URLs of the same store, by other ways: the last one is the submitter's; none: all take the first.
        jobs: how many jobs are submitted, at least.
        seconds: how long processes are killed; ``every``: seconds between two kills.
        kills: of workers, at least: they go on until there were so many, or for five times ``seconds``.
        faults: what goes wrong; see :mod:`tests.faults.chaos.troubles`.
        seed: the plan, the victims and the moments.
        lease: of the workers, seconds; a stop lasts twice as long.
        patience: seconds without a handler's line after which what is left is stuck.
    """

    url: str
    folder: str
    ways: tuple[str, ...] = ()
    jobs: int = 20_000
    seconds: float = 30.0
    every: float = 1.0
    kills: int = 0
    faults: tuple[Fault, ...] = ("kill",)
    seed: int = 1
    workers: int = 2
    slots: int = 60
    threads: int = 4
    lease: float = 10.0
    patience: float = 180.0

    @property
    def is_a_file(self) -> bool:
        """Not a server's."""
        return self.url.startswith("sqlite:")

    @property
    def poisoned(self) -> bool:
        """Whether some jobs kill their workers."""
        return "poison" in self.faults

    @property
    def overlap(self) -> int:
        """Microseconds for which one submit may be under way beside another: an SQLite file takes one at a time."""
        return 0 if self.is_a_file else SECOND

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

    def way(self, place: int) -> str:
        """The URL of the worker at a place; of the submitter at -1."""
        if not self.ways:
            return self.url
        return self.ways[-1] if place < 0 else self.ways[place % (len(self.ways) - 1)]

    def written(self) -> Path:
        """The file that the processes are given."""
        path = Path(self.folder) / "settings.json"
        path.write_bytes(msgspec.json.encode(self))
        return path


def read(path: str) -> Settings:
    return msgspec.json.decode(Path(path).read_bytes(), type=Settings)
