"""PostgreSQL refuses to run as root: then it runs as a user without rights."""

from __future__ import annotations

import os
import pwd
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from jobledger.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

_NOBODY: Final = "nobody"
_NOBODY_UID: Final = 65534
"""Of a system without a list of users."""


class Account(NamedTuple):
    """A user and a group of the system, by number."""

    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give a path to this user; only root may give to somebody else."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)


def account() -> Account:
    """Whom a server runs as: this process's own user, but never root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(_NOBODY)
    except KeyError:
        return Account(_NOBODY_UID, _NOBODY_UID)
    return Account(entry.pw_uid, entry.pw_gid)


def reaches(path: Path) -> bool:
    """Whether the account of a server can go there; where it is this process's own user, it can go where we can."""
    if os.geteuid() != 0:
        return os.access(path, os.R_OK | os.X_OK)
    real = path.resolve()
    return all(one.stat().st_mode & stat.S_IXOTH for one in (real, *real.parents))


def check_reached(path: Path) -> None:
    """Refuse a directory that the account can't reach.

    Raises:
        StoreError: it can't.
    """
    if not reaches(path):
        message = (
            f"{path} can't be reached by the user {_NOBODY!r}, as whom PostgreSQL runs since it refuses to run as "
            "root: choose another directory, or run as another user"
        )
        raise StoreError(message)
