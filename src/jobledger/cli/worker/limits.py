"""What one worker process may do at once, and how long it may take to stop."""

from __future__ import annotations

from dataclasses import dataclass

from jobledger.errors import InvalidOption


@dataclass(frozen=True)
class Limits:
    """The options of one worker process.

    Attributes:
        slots: ``async def`` handlers at once.
        threads: ``def`` handlers at once; None: twice the cores.
        grace: seconds that running jobs get to end after a signal.
        lease: seconds of silence after which other workers take its jobs over.
    """

    slots: int
    threads: int | None
    grace: float
    lease: float

    def check(self) -> None:
        """Look at what a supervisor itself works with; the rest is looked at by each worker.

        Raises:
            InvalidOption: the grace time is no time.
        """
        if not self.grace >= 0:
            raise InvalidOption(f"grace must be at least 0, not {self.grace}")

    @property
    def words(self) -> list[str]:
        """The same as words of a command line."""
        threads = [] if self.threads is None else [f"--threads={self.threads}"]
        return [f"--slots={self.slots}", *threads, f"--grace={self.grace!r}", f"--lease={self.lease!r}"]

    def __str__(self) -> str:
        """For people."""
        return f"{self.slots} slots" if self.threads is None else f"{self.slots} slots and {self.threads} threads"
