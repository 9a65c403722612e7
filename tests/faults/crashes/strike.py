"""The program under strace, which kills it at its N-th call of a kind, or lets calls fail."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from tests.faults.chaos.journal import Lines
from tests.faults.crashes.notes import Closed, Line

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[3]
CALLS: Final = ("pwrite64", "fdatasync", "ftruncate", "unlink")
"""All by which the writer changes what is on a disk."""
KILLED: Final = -signal.SIGKILL
_LINE: Final = re.compile(r"(?P<thread>\d+) +(?P<call>\w+)\(")
_SECONDS: Final = 60


class Strike(msgspec.Struct, frozen=True):
    """What is done to which calls.

    strace counts the calls of each thread, and of each kind, apart. All that counts here is made by one thread.

    Attributes:
        call: of these.
        fault: as strace has it: ``signal=SIGKILL`` (before the call is made) or ``error=…``.
        when: the number of the call, or ``first..last``.
        breakage: what else is wrong.
    """

    call: str
    fault: str
    when: str
    breakage: str = ""

    def __str__(self) -> str:
        return f"{self.fault} at {self.call} {self.when}{self.breakage and f' with {self.breakage}'}"


class Outcome(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        code: the exit code; negative for a signal.
        told: what it said on stderr.
        trace: the calls, one a line, those that were struck marked.
    """

    path: Path
    code: int
    told: str
    lines: list[Line]
    trace: list[str]

    @property
    def struck(self) -> bool:
        """Whether there was such a call."""
        return self.code == KILLED or any("INJECTED" in line for line in self.trace)

    @property
    def error(self) -> str | None:
        """What ended it before its time; None if nothing did, or a kill."""
        return next((line.error or None for line in self.lines if isinstance(line, Closed)), None)

    @property
    def calls(self) -> Mapping[str, int]:
        """How many calls of each kind the thread made that made most of them."""
        counts = Counter(
            (found["thread"], found["call"]) for line in self.trace if (found := _LINE.match(line)) is not None
        )
        most: dict[str, int] = {}
        for (_, call), count in counts.items():
            most[call] = max(most.get(call, 0), count)
        return most


def tell(folder: Path, strike: Strike | None = None) -> Outcome:
    """Tell the story in an empty folder, and strike."""
    folder.mkdir(exist_ok=True)
    store, notes, trace = folder / "jobs.db", folder / "notes", folder / "trace"
    command = ["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(trace), "-e", f"trace={','.join(CALLS)}"]
    if strike is not None:
        command += ["-e", f"inject={strike.call}:{strike.fault}:when={strike.when}"]
    command += [sys.executable, "-m", "tests.faults.crashes.program", f"sqlite:///{store}", str(notes)]
    command += [strike.breakage] if strike is not None and strike.breakage else []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    lines = Lines(notes, Line)
    assert not lines.torn
    return Outcome(store, ran.returncode, ran.stderr, lines.all, trace.read_text().splitlines())
