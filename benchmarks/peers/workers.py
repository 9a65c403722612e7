"""The worker processes of a system: started, looked at with all that they start themselves, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

PATIENCE = 10.0
"""Seconds that they get to end by themselves."""


class Memory(NamedTuple):
    """Of all processes, in MiB.

    Attributes:
        rss: pages that are in memory; what forked processes share counts once for each.
        pss: the same with shared pages counted once in all.
    """

    rss: float
    pss: float


class Workers:
    """They run while the block does; what they print goes to a file."""

    def __init__(self, commands: Sequence[Sequence[str]], log: Path) -> None:
        self._commands = commands
        self._log = log
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._started = [
                subprocess.Popen([sys.executable, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                for command in self._commands
            ]
        return self

    def __exit__(self, *error: object) -> None:
        everyone = list(self._pids())
        for process in self._started:
            process.terminate()
        deadline = time.monotonic() + PATIENCE
        for process in self._started:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in everyone:
            if _alive(pid):  # its parent was killed, or did not wait for it
                os.kill(pid, signal.SIGKILL)

    def check(self) -> None:
        """Raise if one has ended."""
        for process in self._started:
            if process.poll() is not None:
                raise ChildProcessError(f"a worker ended with {process.returncode}: {self.last_words()}")

    def last_words(self) -> str:
        """The last line that they printed."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "without a word")

    def memory(self) -> Memory:
        """What they hold now, the processes that they started included."""
        sums = {"Rss": 0, "Pss": 0}
        for pid in self._pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                name, _, rest = line.partition(":")
                if name in sums:
                    sums[name] += int(rest.split()[0])
        return Memory(sums["Rss"] / 1024, sums["Pss"] / 1024)

    def _pids(self) -> Iterator[int]:
        waiting = [process.pid for process in self._started if process.poll() is None]
        while waiting:
            pid = waiting.pop()
            yield pid
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += map(int, children.read_text(encoding="ascii").split())


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
