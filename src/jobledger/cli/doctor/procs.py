"""Processes of this machine, as far as the system shows them: on Linux in ``/proc``, elsewhere not at all."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPPED: Final = frozenset({"T", "t"})
_LONGEST: Final = 40


def state(pid: int) -> str | None:
    """The letter of a process's state; None if it is not there, or can't be seen."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()[0]


def is_stopped(pid: int | None) -> bool:
    """Whether a process is frozen by a signal or a debugger."""
    return bool(pid) and (state(pid or 0) or "") in STOPPED


def described(pid: int) -> str:
    """A process as people find it: by its number and its command."""
    if not pid:
        return "a process that can't be seen from here (in another container?)"
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        words = []
    command = " ".join(" ".join(Path(word).name if word.startswith("/") else word for word in words).split())
    return f"process {pid}" + (f" ({command[:_LONGEST]}{'…' if len(command) > _LONGEST else ''})" if command else "")


def user(pid: int) -> int | None:
    """Whose process it is."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None


def groups(pid: int) -> frozenset[int]:
    """The groups that it is in."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    lines = [line.split() for line in text.splitlines() if line.startswith(("Gid:", "Groups:"))]
    return frozenset(int(number) for words in lines for number in words[1:])


def open_files(pid: int) -> Iterator[tuple[str, os.stat_result]]:
    """What it has open: the path as it was, and what it really is; nothing where that may not be seen."""
    try:
        links = [*Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return
    for link in links:
        try:
            yield str(link.readlink()).removesuffix(" (deleted)"), link.stat()
        except OSError:
            continue  # closed meanwhile


def limit(pid: int, name: str) -> int | None:
    """A soft limit of a process by its name in ``/proc``, such as ``Max open files``; None if there is none."""
    try:
        text = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    soft = next((line[26:].split()[0] for line in text.splitlines() if line.startswith(name)), "unlimited")
    return int(soft) if soft.isdecimal() else None


def user_name(number: int) -> str:
    """A user's name, or the number of one without a name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
