"""The demo's database file: where it is, and whether an older one may be replaced."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jobledger import App, JobledgerError
from jobledger.cli.demo.files import remove_known_bad
from jobledger.cli.demo.handlers import TYPES
from jobledger.errors import NotAStore, StoreBusy

_SIDECARS: Final = ("-wal", "-shm", "-lock")
"""What stands beside the file. They go first: a log without its database must never meet another one."""


def url_of(path: Path) -> str:
    """The URL of the database; short where it lies below the current directory."""
    here = Path.cwd()
    whole = path.absolute()
    shown = whole.relative_to(here) if whole.is_relative_to(here) else whole
    return f"sqlite:///{quote(str(shown))}"


def inputs_of(path: Path) -> Path:
    """The folder of the files that the demo writes itself."""
    return path.with_name(f"{path.stem}-inputs")


async def clear(path: Path) -> None:
    """Make way for a new database; replaces a demo's own, never anybody else's file.

    Raises:
        NotAStore: there is something else.
        StoreBusy: a process still works on it.
    """
    if os.path.lexists(path):
        await _check_ours(path)
        _check_unused(path)
    for sidecar in _SIDECARS:
        Path(f"{path}{sidecar}").unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    remove_known_bad(inputs_of(path))


async def _check_ours(path: Path) -> None:
    try:
        async with App(url_of(path), read_only=True) as app:
            types = frozenset((await app.metrics.snapshot()).types)
    except (JobledgerError, OSError) as error:
        message = f"{path} is no database of the demo, so it stays as it is: choose another file with --db ({error})"
        raise NotAStore(message) from error
    if not types or not types <= TYPES:
        found = ", ".join(sorted(types - TYPES)) or "no types at all"
        message = f"{path} is a store with jobs that are not the demo's ({found}): choose another file with --db"
        raise NotAStore(message)


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
