"""The demo's database file: where it is, and whether an older one may be replaced."""

from __future__ import annotations

import fcntl
import glob
import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jobledger import App, JobledgerError
from jobledger._store.sqlite.connection import APPLICATION_ID
from jobledger.cli.demo.files import remove_known_bad
from jobledger.cli.demo.handlers import TYPES
from jobledger.cli.demo.stage import Stage
from jobledger.errors import NotAStore, StoreBusy, StoreError, StoreReadOnly

_SIDECARS: Final = ("-wal", "-shm", "-lock")
"""What stands beside the file. They go first: a log without its database must never meet another one."""
_MAGIC: Final = b"SQLite format 3\0"
_APPLICATION: Final = slice(68, 72)
_HEADER_BYTES: Final = 100


def url_of(path: Path) -> str:
    """The URL of the database; short where it lies below the current directory."""
    here = Path.cwd()
    whole = path.absolute()
    shown = whole.relative_to(here) if whole.is_relative_to(here) else whole
    return f"sqlite:///{quote(str(shown))}"


def inputs_of(path: Path) -> Path:
    """The folder of the files that the demo writes itself."""
    return path.with_name(f"{path.stem}-inputs")


def seen_of(path: Path) -> Path:
    """The file in which handlers write down what they see; it lies among the demo's own."""
    return inputs_of(path) / "seen.jsonl"


async def on_file(path: Path) -> Stage:
    """A new database; replaces a demo's own.

    Raises:
        StoreError: as :func:`clear`.
    """
    await clear(path)
    url = url_of(path)
    return Stage(url, url, inputs_of(path), seen_of(path))


async def clear(path: Path) -> None:
    """Make way for a new database; replaces a demo's own, never anybody else's file.

    Raises:
        StoreError: there is no directory for it, or it can't be written.
        NotAStore: there is something else.
        StoreBusy: a process still works on it.
    """
    _check_directory(path)
    if _is_there(path):
        await _check_ours(path)
        _check_unused(path)
    _remove(path)
    make_inputs(path)


def _check_directory(path: Path) -> None:
    if not path.parent.is_dir():
        message = f"there is no directory {path.parent}: make it, or choose another file with --db"
        raise StoreError(message)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        message = f"the directory {path.absolute().parent} can't be written: choose another file with --db"
        raise StoreReadOnly(message)


def make_inputs(path: Path) -> None:
    """Make the folder for the files that the demo writes itself, and clear it of an older demo's.

    Raises:
        StoreReadOnly: it can't be made.
    """
    folder = inputs_of(path)
    if folder.is_dir():
        seen_of(path).unlink(missing_ok=True)
    remove_known_bad(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        message = f"{folder} can't be made ({error.strerror}): choose another file with --db"
        raise StoreReadOnly(message) from error


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def _remove(path: Path) -> None:
    for sidecar in _SIDECARS:
        Path(f"{path}{sidecar}").unlink(missing_ok=True)
    for bell in path.parent.glob(f"{glob.escape(path.name)}-wake-*"):
        if bell.is_socket():
            bell.unlink()  # of a worker that was killed
    path.unlink(missing_ok=True)


def _may_be_store(path: Path) -> bool:
    """By what can be seen from outside, so that a database of another program is not even opened.

    The number of our format may still be in the write-ahead log; then there is our lock file.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    numbered = header[_APPLICATION] == APPLICATION_ID.to_bytes(4, "big")
    return header.startswith(_MAGIC) and (numbered or Path(f"{path}-lock").exists())


async def _check_ours(path: Path) -> None:
    try:
        types = await _types_in(path) if _may_be_store(path) else frozenset[str]()
    except (JobledgerError, OSError) as error:
        message = f"{path} can't be read, so it stays as it is: choose another file with --db ({error})"
        raise NotAStore(message) from error
    if not types:
        message = f"{path} is no database of the demo, so it stays as it is: choose another file with --db"
        raise NotAStore(message)
    if not types <= TYPES:
        foreign = ", ".join(sorted(types - TYPES))
        message = f"{path} has jobs that are not the demo's ({foreign}), so it stays: choose another file with --db"
        raise NotAStore(message)


async def _types_in(path: Path) -> frozenset[str]:
    async with App(url_of(path), read_only=True) as app:
        return frozenset((await app.metrics.snapshot()).types)


def _check_unused(path: Path) -> None:
    """Each live writer holds a byte of the lock file: if all bytes can be locked, there is none."""
    lock = Path(f"{path}-lock")
    if not lock.exists():
        return
    with lock.open("r+b") as opened:
        try:
            fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another process still works on {path}: stop it first, or choose another file with --db"
            raise StoreBusy(message) from error
