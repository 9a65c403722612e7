"""Wake-ups between processes: a datagram socket beside the database for each worker. A hint, and never needed."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jobledger._store.hint import ANY, both, types_of, word_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

log = logging.getLogger("jobledger.wake")
_LONGEST_PATH: Final = 100
"""Bytes. A socket's address has room for 104 to 108, depending on the system."""
_MOST: Final = 4096
"""Wake-ups that one look answers at once."""
_LONGEST_WORD: Final = 1024
_NOTHING_SAID: Final = b"\0"


class Ear:
    """A socket that other processes ring, and a thread that listens.

    Args:
        database: the socket stands beside it, or in the temporary directory if that path is too long for one.
        heard: called in the thread, with the types that were named by all who rang, or none.

    Attributes:
        name: what others call, or None: no socket could be bound, so this worker is on its poll alone.
    """

    def __init__(self, database: Path, heard: Callable[[frozenset[int]], None]) -> None:
        """Bind and listen."""
        self.name: str | None = None
        self._heard = heard
        self._pid = os.getpid()
        self._path = address(database)
        self._ended = False
        try:
            self._socket = bound(self._path, database)
        except OSError as error:
            log.warning(
                "no wake-ups from other processes (no socket at %s: %s): looking four times a second instead",
                self._path,
                error.strerror or error,
            )
            return
        beside = self._path.parent == database.parent
        self.name = self._path.name if beside else str(self._path)
        threading.Thread(target=self._listen, name="jobledger wake", daemon=True).start()

    def close(self) -> None:
        """Stop listening, and remove the socket; a forked child leaves it to its parent."""
        if self.name is None or self._ended or self._pid != os.getpid():
            return
        self._ended = True
        with suppress(OSError):  # full: the thread is awake; closed: it has ended
            self._socket.sendto(_NOTHING_SAID, socket.MSG_DONTWAIT, str(self._path))
        remove(self._path)

    def _listen(self) -> None:
        with self._socket:
            while True:
                try:
                    types = self._drained(types_of(self._socket.recv(_LONGEST_WORD).decode("ascii", "replace")))
                except OSError as error:
                    if not self._ended:
                        log.warning("no more wake-ups from other processes: %s", error)
                    return
                if self._ended:
                    return
                self._heard(types)

    def _drained(self, types: frozenset[int]) -> frozenset[int]:
        """What rang meanwhile is answered by the same look."""
        with suppress(BlockingIOError):
            for _ in range(_MOST):
                word = self._socket.recv(_LONGEST_WORD, socket.MSG_DONTWAIT).decode("ascii", "replace")
                types = both(types, types_of(word))
        return types


def ring(database: Path, names: Iterable[str], types: frozenset[int] = ANY) -> None:
    """A word to each socket; who can't be reached polls, or is dead."""
    word = word_of(types).encode() or _NOTHING_SAID
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller:
        caller.settimeout(0)
        for name in names:
            with suppress(OSError):  # full: it has rung already; gone: it is dead or has no sockets
                caller.sendto(word, str(database.parent / name))


def remove(path: Path) -> None:
    """Remove a socket's name, if it is there."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def address(database: Path) -> Path:
    """A name for a new socket: beside the database, if that is not too long."""
    token = secrets.token_hex(4)
    beside = database.with_name(f"{database.name}-wake-{token}")
    if len(os.fsencode(beside)) <= _LONGEST_PATH:
        return beside
    short = hashlib.sha256(os.fsencode(database)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"jobledger-{short}-{token}")


def bound(path: Path, database: Path) -> socket.socket:
    """Who may write the database may ring."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        opened.bind(str(path))
        path.chmod(database.stat().st_mode & 0o777)
    except BaseException:
        opened.close()
        raise
    return opened
