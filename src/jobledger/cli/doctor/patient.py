"""What is looked at: a store that may be anything, and everything around it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jobledger._clock import SystemClock
from jobledger._store.open import open_store
from jobledger._store.sqlite import holders
from jobledger._store.sqlite.checkup import Enlisted, Facts, facts
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import InvalidOption, NetworkFileSystem, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Life(NamedTuple):
    """A writer, and the process that holds its life byte: None if that has ended, 0 if it can't be seen from here."""

    writer: Enlisted
    pid: int | None

    @property
    def is_worker(self) -> bool:
        """Whether it runs jobs."""
        return self.writer.kind == "worker"

    @property
    def name(self) -> str:
        """As people find it: by number and process."""
        return f"{self.writer.kind} {self.writer.writer_id} (process {self.pid or self.writer.pid})"


def is_file(path: Path) -> bool:
    """Whether a file is there and can be seen; no path is an error."""
    try:
        return path.is_file()
    except OSError:
        return False


class Patient:
    """A store and its surroundings.

    Args:
        url: the store.
        source: where the URL comes from.

    Attributes:
        path: its file; the others stand beside it.
    """

    def __init__(self, url: str, source: str) -> None:
        """Find out where it lies; nothing is opened.

        Raises:
            InvalidOption: the URL names no store.
        """
        self.url = url
        self.source = source
        self.path: Path = _path_of(url)
        self.wal, self.shm, self.lock = (Path(f"{self.path}-{what}") for what in ("wal", "shm", "lock"))

    @property
    def directory(self) -> Path:
        """Where it all lies."""
        return self.path.parent

    def files(self) -> Iterator[Path]:
        """Those of its files that are there and can be seen."""
        return (path for path in (self.path, self.wal, self.shm, self.lock) if is_file(path))

    @cached_property
    def facts(self) -> Facts | StoreError:
        """What the store tells of itself, or why it doesn't. Only a file is opened: a pipe would wait for ever."""
        if not is_file(self.path):
            return StoreError(f"there is no file {self.path}")
        try:
            return facts(self.path)
        except StoreError as error:
            return error

    def lives(self) -> tuple[Life, ...]:
        """All writers that are not fenced, and whether their processes live; none where that can't be told."""
        if isinstance(self.facts, StoreError) or not is_file(self.lock):
            return ()
        return tuple(Life(one, holders.holder(self.lock, one.writer_id)) for one in self.facts.writers)

    def look_again(self) -> None:
        """Forget what the store told, to ask it anew."""
        self.__dict__.pop("facts", None)

    @cached_property
    def has_directory(self) -> bool:
        """Whether there is a directory to lie in."""
        try:
            return self.directory.is_dir()
        except OSError:
            return False


def _path_of(url: str) -> Path:
    clock = SystemClock()
    try:
        store = open_store(url, clock.now)
    except NetworkFileSystem:
        store = open_store(f"{url}{'&' if '?' in url else '?'}filesystem=any", clock.now)
    if not isinstance(store, SqliteStore):
        raise InvalidOption("only SQLite stores can be looked at")
    return store.path
