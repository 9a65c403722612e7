"""A terminal as tests use it: a program in a pseudo-terminal of a given size, and what it writes there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Self

import pytest

from tests.cli.shell import SOURCE, TESTS

if TYPE_CHECKING:
    from tests.cli.shell import Shell

_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_])")


class Terminal:
    """``python -m jobledger …`` on a terminal."""

    def __init__(
        self, shell: Shell, *words: str, columns: int = 80, lines: int = 24, env: dict[str, str] | None = None
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        mine = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        mine |= {"PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}", "JOBLEDGER_URL": shell.url, "TERM": "xterm-256color"}
        self._written = b""
        self._ours = ours
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jobledger", *words], cwd=shell.folder, env=mine | (env or {}), stdin=theirs,
            stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    @property
    def raw(self) -> str:
        """All that was written so far, with what moves and colours."""
        return self._written.decode(errors="replace")

    @property
    def text(self) -> str:
        """What was written, without what moves and colours."""
        return _SEQUENCE.sub("", self.raw).replace("\r", "")

    def until(self, words: str, timeout: float = 30) -> str:
        """Read on until these words were written again."""
        seen = self.text.count(words)
        deadline = time.monotonic() + timeout
        while self.text.count(words) == seen:
            if not self._read(deadline - time.monotonic()):
                pytest.fail(f"the terminal never showed {words!r}: {self.text}")
        return self.text

    def ended(self, timeout: float = 30) -> int:
        """Read to the end: the exit code."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(timeout=timeout)

    def _read(self, patience: float) -> bool:
        if not select.select([self._ours], [], [], max(patience, 0))[0]:
            return False
        try:
            some = os.read(self._ours, 65_536)
        except OSError:  # on Linux the end of a terminal is an error
            return False
        self._written += some
        return bool(some)
