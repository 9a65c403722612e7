"""SQLite's own file functions, and a record of all that they do to a disk: what a power cut leaves is made of it."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import apsw

if TYPE_CHECKING:
    from tests.faults.crashes.notes import Line

NAME: Final = "recorder"
_NAMES: Final = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
"""Files whose first sync also syncs the folder, so that their name is kept, too."""


class Created(NamedTuple):
    """A file got a name."""

    file: int
    name: str


class Deleted(NamedTuple):
    """A file lost its name; ``synced`` if the folder was synced afterwards."""

    name: str
    synced: bool


class Written(NamedTuple):
    """Bytes went to a file; they may be on the disk from now on."""

    file: int
    offset: int
    data: bytes


class Truncated(NamedTuple):
    """A file got another size."""

    file: int
    size: int


class Synced(NamedTuple):
    """All that was written to a file before is on the disk for good; the folder's names, too, if ``names``."""

    file: int
    names: bool


class Dropped(NamedTuple):
    """A sync failed: what was written before stays in memory, and nobody writes it to the disk any more."""

    file: int


class Noted(NamedTuple):
    """A line was noted; what is noted is outside of this disk."""

    line: Line


Event: TypeAlias = Created | Deleted | Written | Truncated | Synced | Dropped | Noted


class Recorder(apsw.VFS):
    """The default of new connections, until it is unregistered. It works on real files, which share their memory.

    Attributes:
        events: all that has happened, in order.
        fails: how the names of the files end whose next sync fails.
    """

    def __init__(self) -> None:
        super().__init__(NAME, "unix", makedefault=True)
        self.events: list[Event] = []
        self.fails: list[str] = []
        self._turn = threading.Lock()
        self._numbers = itertools.count()
        self._files: dict[str, int] = {}

    def write(self, line: Line, /) -> None:
        """Note a line, in its place among the others."""
        self.happened(Noted(line))

    def happened(self, event: Event) -> None:
        with self._turn:
            self.events.append(event)

    def file_of(self, name: str) -> int:
        """The number of the file that has a name now."""
        with self._turn:
            if name not in self._files:
                self._files[name] = next(self._numbers)
                self.events.append(Created(self._files[name], name))
            return self._files[name]

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:  # a file of its own, for sorting and the like
            return apsw.VFSFile("unix", name, flags)
        return File(self, Path(path).name, name, flags)

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: N802 - as above
        super().xDelete(name, syncdir)
        with self._turn:
            self._files.pop(Path(name).name, None)
            self.events.append(Deleted(Path(name).name, synced=bool(syncdir)))


class File(apsw.VFSFile):
    """One open file of it."""

    def __init__(self, disk: Recorder, known: str, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._name = known
        self._file = disk.file_of(known)
        self._names = bool(flags[0] & _NAMES)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - as above
        self._disk.happened(Written(self._file, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802 - as above
        self._disk.happened(Truncated(self._file, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802 - as above
        if self._disk.fails and self._name.endswith(self._disk.fails[0]):
            del self._disk.fails[0]
            self._disk.happened(Dropped(self._file))
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)
        self._disk.happened(Synced(self._file, self._names))
