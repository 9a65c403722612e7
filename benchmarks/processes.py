"""Workers in processes of their own: started, looked at through /proc, and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """One program of `benchmarks/programs`; ready once it has printed its first line.

    Attributes:
        pid: of its process.
    """

    def __init__(self, name: str, *arguments: object, **environment: str) -> None:
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.programs.{name}", *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path} | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        self.ready()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def ready(self) -> None:
        """Wait for its first line."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), f"process {self.pid} ended before it was ready"

    def kill(self) -> None:
        self._process.kill()

    def stop(self) -> None:
        """It stands still until it is killed."""
        self._process.send_signal(signal.SIGSTOP)

    def end(self) -> None:
        """Ask it to end, and wait for that."""
        self._process.terminate()
        try:
            self._process.wait(20)
        finally:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far, in and for it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def written(pid: int) -> int:
    """Bytes that a process has given to write calls so far; what goes through sockets is not in it."""
    lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])
