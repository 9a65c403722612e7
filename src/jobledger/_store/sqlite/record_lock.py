"""Who holds a record lock: asked of the kernel, without taking it."""

from __future__ import annotations

import importlib.util
import os
import struct
import sys
from typing import TYPE_CHECKING, Final

RECORD_LOCKS: Final = importlib.util.find_spec("fcntl") is not None
"""Whether this system has them: Linux and macOS do."""
if TYPE_CHECKING or RECORD_LOCKS:
    import fcntl

_MACOS: Final = struct.Struct("qqihh")
"""Start, length, pid, kind, whence."""
_LINUX: Final = struct.Struct("hhqqi4x")
"""Kind, whence, start, length, pid."""


def record_lock_holder(descriptor: int, byte: int, length: int = 1) -> int | None:
    """The process that holds it; 0 if it can't be seen from here (a container); None if nobody else does.

    Args:
        descriptor: the open file.
        byte: where to look.
        length: how many bytes; 0: all from there on.

    Raises:
        OSError: the system can't say.
    """
    if sys.platform == "darwin":
        asked = _MACOS.pack(byte, length, 0, fcntl.F_WRLCK, os.SEEK_SET)
        *_, pid, kind, _ = _MACOS.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    else:
        asked = _LINUX.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, length, 0)
        kind, _, _, _, pid = _LINUX.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else max(int(pid), 0)
