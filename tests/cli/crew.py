"""A supervisor as tests use it: its events, and the processes that it speaks of."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cli.shell import Program, Shell
from tests.waiting import until_blocking

if TYPE_CHECKING:
    from collections.abc import Callable

CHILD = str(Path(__file__).parent / "programs" / "child.py")


class Crew(Program):
    """``jobledger worker … --processes N --json``, or another supervisor that tells events.

    Attributes:
        events: all that were read so far.
    """

    def __init__(self, shell: Shell, *words: str, module: str = "jobledger") -> None:
        super().__init__(shell, *words, module=module, log=shell.folder / "log")
        self.events: list[dict[str, Any]] = []

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:  # a test that failed must not wait for a grace time
            gone = {one["pid"] for one in self.of("ended")}
            for pid in {one["pid"] for one in self.of("started")} - gone:
                with suppress(ProcessLookupError):
                    kill(pid)
        super().__exit__(kind, *rest)

    def until(self, event: str, condition: Callable[[dict[str, Any]], object] = lambda _: True) -> dict[str, Any]:
        """Read on to the first event of this kind that meets the condition."""
        while told := self.line():
            self.events.append(json.loads(told))
            if self.events[-1].get("event") == event and condition(self.events[-1]):
                return self.events[-1]
        message = f"the supervisor ended without {event!r}: {self.events}"
        raise AssertionError(message)

    def until_ready(self, count: int) -> list[int]:
        """Read on until so many claim jobs: their pids."""
        found: list[int] = self.until("ready", lambda event: len(event["ready"]) == count)["ready"]
        return found

    def until_end(self) -> tuple[int, str]:
        """Read all other events: the exit code, and what was logged."""
        code, out, err = self.ended()
        self.events += map(json.loads, out.splitlines())
        return code, err

    def of(self, event: str) -> list[dict[str, Any]]:
        """The events of a kind."""
        return [one for one in self.events if one.get("event") == event]


def command_crew(shell: Shell, processes: int, *words: str) -> Crew:
    """The command, with little to do per process."""
    return Crew(shell, "worker", shell.target, f"--processes={processes}", "--threads=2", "--json", *words)


def scripted_crew(shell: Shell, processes: int, what: str, *, margin: float = 60, ready: float = 60) -> Crew:
    """A supervisor without grace over children that know nothing but the line: quick, and as bad as they are asked."""
    words = (str(processes), "0", str(margin), str(ready), sys.executable, CHILD, what)
    return Crew(shell, *words, module="tests.cli.programs.supervising")


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    os.kill(pid, number)


def state_of(pid: int) -> str:
    """R, S, T (stopped), Z …; "" if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_suspended(pid: int) -> bool:
    """Whether all its threads are: only then the kernel takes it for a stopped job."""
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return {stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] for stat in threads} == {"T"}


def until_gone(*pids: int) -> None:
    """Wait until none of them runs any more; an orphan may stay a zombie where nobody reaps."""
    until_blocking(lambda: {state_of(pid) for pid in pids} <= {"", "Z"}, f"processes {pids} have ended", timeout=30)


def heard(crew: Crew, words: str, times: int = 1) -> None:
    """Wait until the log has this."""
    until_blocking(lambda: crew.logged.count(words) >= times, f"the log has {words!r} {times} times", timeout=30)
