"""The processes of a server: found, frozen, killed.

Run as a program, it waits for the end of the process that started it, and then ends the server and removes what it
left. So it uses the standard library alone, and starts fast.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DATA: Final = "data"
"""In the place of a server: its data directory."""
SOCKETS: Final = "sockets"
"""In the place of a server: the directory of its Unix socket, or a link to it."""

_PROC: Final = Path("/proc")
_PAUSE: Final = 0.002
_PATIENCE: Final = 20.0
_GRACE: Final = 10.0
_STOPPED: Final = frozenset("Tt")
_DEAD: Final = frozenset("ZX")
_GONE: Final = (FileNotFoundError, ProcessLookupError)
"""What reading about a process raises when it has just ended."""


class Process(NamedTuple):
    """What the system says of a process."""

    parent: int
    state: str


def family(root: int) -> set[int]:
    """A process and all that descend from it, without the dead that nobody has waited for."""
    seen = {pid: process for pid, process in _processes().items() if process.state not in _DEAD}
    found = {root} & seen.keys()
    while more := {pid for pid, process in seen.items() if process.parent in found} - found:
        found |= more
    return found


def states(pids: Iterable[int]) -> list[str]:
    """How those of them are that are alive: "T" is stopped, "S" sleeps, "R" runs."""
    if not _has_proc():
        seen = _processes()
        return [seen[pid].state for pid in pids if pid in seen and seen[pid].state not in _DEAD]
    found: list[str] = []
    for pid in pids:
        with suppress(*_GONE):
            found.append(_read(_PROC / str(pid)).state)
    return [state for state in found if state not in _DEAD]


def commands() -> dict[int, str]:
    """The command line of every process, its words joined by spaces."""
    if not _has_proc():
        rows = (line.strip().partition(" ") for line in _ps("-A", "-ww", "-o", "pid=,command=").splitlines())
        return {int(pid): command for pid, _, command in rows}
    found: dict[int, str] = {}
    for entry in _entries():
        with suppress(*_GONE):
            text = (entry / "cmdline").read_bytes()
            found[int(entry.name)] = text.replace(b"\0", b" ").decode(errors="replace")
    return found


def freeze(root: int) -> set[int]:
    """Stop a server in its tracks: all its processes, until :func:`thaw`.

    The root is stopped first, so that it starts no more; a child that it was just starting is found at the next look.
    """
    frozen: set[int] = set()
    _send(signal.SIGSTOP, [root])
    while more := family(root) - frozen:
        _send(signal.SIGSTOP, more)
        frozen |= more
    until(lambda: all(state in _STOPPED for state in states(frozen)), f"the processes {sorted(frozen)} have stopped")
    return frozen


def thaw(root: int) -> None:
    """Let a frozen server go on."""
    _send(signal.SIGCONT, family(root))


def kill(root: int) -> None:
    """End a server as a crash of the machine would: all processes at once, without a word."""
    frozen = freeze(root)
    _send(signal.SIGKILL, frozen)
    until(lambda: not states(frozen), f"the processes {sorted(frozen)} are gone")


def end(place: Path) -> None:
    """End what still runs in a place, and remove the place."""
    data = place / DATA
    for root in _working_on(data):
        _quit(root)
    with suppress(FileNotFoundError):
        shutil.rmtree((place / SOCKETS).resolve())
    with suppress(FileNotFoundError):
        shutil.rmtree(place)


def until(condition: Callable[[], object], description: str, timeout: float = _PATIENCE) -> None:
    """Wait until the condition holds.

    Raises:
        TimeoutError: it did not; says what was waited for.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            message = f"waited {timeout:g} s in vain until {description}"
            raise TimeoutError(message)
        time.sleep(_PAUSE)


def _quit(root: int) -> None:
    """First it is asked: a server that quits by itself gives back its shared memory."""
    thaw(root)
    _send(signal.SIGQUIT, [root])
    try:
        until(lambda: not states([root]), f"the process {root} has quit", _GRACE)
    except TimeoutError:
        kill(root)


def _working_on(data: Path) -> list[int]:
    """The server of a data directory, or the `initdb` that still makes it; no number of a process is trusted."""
    return [pid for pid, command in commands().items() if f"-D {data}" in command]


def _processes() -> dict[int, Process]:
    if not _has_proc():
        rows = (line.split() for line in _ps("-A", "-o", "pid=,ppid=,state=").splitlines())
        return {int(pid): Process(int(parent), state[0]) for pid, parent, state in rows}
    found: dict[int, Process] = {}
    for entry in _entries():
        with suppress(*_GONE):
            found[int(entry.name)] = _read(entry)
    return found


def _read(entry: Path) -> Process:
    """The name of a program stands in parentheses and may hold anything, so what follows is read from the last one."""
    text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    state, parent = text.rpartition(")")[2].split()[:2]
    return Process(int(parent), state)


def _has_proc() -> bool:
    return (_PROC / "self").exists()


def _entries() -> Iterator[Path]:
    return (Path(entry.path) for entry in os.scandir(_PROC) if entry.name.isdecimal())


def _ps(*arguments: str) -> str:
    """For systems without /proc."""
    return subprocess.run(["ps", *arguments], check=False, capture_output=True, text=True).stdout  # noqa: S603, S607


def _send(what: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)


def _main() -> None:
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    sys.stdin.buffer.read()  # ends when the last process that holds the other end has ended, however it did
    end(Path(sys.argv[1]))


if __name__ == "__main__":
    _main()
