"""Which processes have ended: none of them stays a zombie."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

UNKNOWN: Final = 255
"""The exit code of a child whose own one somebody else has taken."""


def reaped(pids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Those of the children that have ended, each with its exit code; -9 stands for signal 9.

    The first process of a container also inherits the orphans of others; it reaps, and gives, these as well.
    """
    if os.getpid() != 1:
        for pid in pids:
            yield from _asked(pid)
        return
    while True:
        found = [*_asked(-1)]
        if not found:
            return
        yield from found


def _asked(pid: int) -> Iterator[tuple[int, int]]:
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        if pid > 0:
            yield pid, UNKNOWN
        return
    if found:
        yield found, os.waitstatus_to_exitcode(status)
