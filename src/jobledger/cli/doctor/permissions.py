"""Who may do what with the files: a worker as one user and a web process as another is the usual trap."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from jobledger.cli.doctor.finding import Finding, broken, ok, warning
from jobledger.cli.doctor.patient import is_file
from jobledger.cli.doctor.procs import groups, user, user_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobledger.cli.doctor.patient import Patient

_EFFECTIVE: Final = os.access in os.supports_effective_ids
_SHARE: Final = "run all processes as one user, or in one group that may write the directory and all of its files"


def permissions(patient: Patient) -> Iterator[Finding]:
    """Of this user, of the users of live processes, and of the files among each other."""
    if not patient.has_directory:
        return
    found = [*_of_this_user(patient), *_of_live_processes(patient), *_of_the_files(patient)]
    yield from found
    if not found:
        count = len([*patient.files()])
        yield ok(f"{_me()} can write the directory and the {count} file{'' if count == 1 else 's'} of the store")


def _of_this_user(patient: Patient) -> Iterator[Finding]:
    paths = [patient.directory, *patient.files()]
    unread = [path for path in paths if not _can(path, os.R_OK)]
    unwritten = [path for path in paths if path not in unread and not _can(path, os.W_OK)]
    if unread:
        yield broken(f"{_me()} can't read {_listed(unread)}", _SHARE)
    if unwritten:
        yield warning(f"{_me()} can't write {_listed(unwritten)}, and so only read the store", _SHARE)


def _of_live_processes(patient: Patient) -> Iterator[Finding]:
    for life in patient.lives():
        uid = user(life.pid) if life.pid else None
        if uid is None or uid in {0, os.geteuid()} or not life.pid:
            continue
        barred = next((file for file in patient.files() if not _may_write(file.stat(), uid, groups(life.pid))), None)
        if barred is not None:
            yield broken(f"{life.name} runs as {user_name(uid)}, who can't write {_shown(barred)}", _SHARE)


def _of_the_files(patient: Patient) -> Iterator[Finding]:
    files = [*patient.files()]
    owners = dict.fromkeys(user_name(file.stat().st_uid) for file in files)
    if len(owners) > 1:
        listed = ", ".join(f"{file.name} of {user_name(file.stat().st_uid)}" for file in files)
        yield warning(f"the files belong to several users: {listed}", _SHARE)
    if is_file(patient.path):
        mode = stat.S_IMODE(patient.path.stat().st_mode)
        narrow = [file for file in files if mode & (stat.S_IWGRP | stat.S_IWOTH) & ~file.stat().st_mode]
        if narrow:
            yield warning(
                f"others may write {patient.path.name}, but not {_listed(narrow)}",
                f"chmod {mode:o} {' '.join(str(file) for file in narrow)}",
            )


def _can(path: Path, what: int) -> bool:
    enter = os.X_OK if path.is_dir() else 0
    return os.access(path, what | enter, effective_ids=_EFFECTIVE)


def _may_write(found: os.stat_result, uid: int, gids: frozenset[int]) -> bool:
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IWUSR)
    return bool(found.st_mode & (stat.S_IWGRP if found.st_gid in gids else stat.S_IWOTH))


def _listed(paths: list[Path]) -> str:
    return ", ".join(map(_shown, paths))


def _shown(path: Path) -> str:
    found = path.stat()
    name = str(path) if path.is_dir() else path.name
    return f"{name} ({stat.filemode(found.st_mode)}, of {user_name(found.st_uid)})"


def _me() -> str:
    return f"user {user_name(os.geteuid())}"
