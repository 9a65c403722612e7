"""Data directories that nobody has used: made once, then copied, since making one takes most of a server's start."""

from __future__ import annotations

import atexit
import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from jobledger.testing.postgres import cluster, processes
from jobledger.testing.postgres.place import Place

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger.testing.postgres.account import Account
    from jobledger.testing.postgres.installation import Installation

Kind: TypeAlias = "tuple[Path, str, Path]"


class _Kept(NamedTuple):
    place: Place
    password: str


_once: set[Kind] = set()
_kept: dict[Kind, _Kept] = {}


def provide(installation: Installation, place: Place, account: Account, locale: str, *, copy: bool) -> str:
    """Give a place its data directory; gives the password of the superuser.

    Who starts one server pays for no copy: the second of a kind leaves an original for all that follow. It goes with
    this process.
    """
    data = place.path / processes.DATA
    kind = (installation.bin, locale, place.path.parent)
    if not copy or kind not in _once:
        _once.add(kind)
        return cluster.make(installation, data, account, locale)
    if kind not in _kept:
        _keep(kind, installation, account)
    original = _kept[kind]
    subprocess.run(["cp", "-Rp", original.place.path / processes.DATA, data], check=True)  # noqa: S603, S607
    return original.password


def _keep(kind: Kind, installation: Installation, account: Account) -> None:
    _, locale, parent = kind
    place = Place(parent)
    atexit.register(_close, place, os.getpid())
    password = cluster.make(installation, place.path / processes.DATA, account, locale)
    _kept[kind] = _Kept(place, password)


def _close(place: Place, owner: int) -> None:
    """A fork ends without its parent's places."""
    if os.getpid() == owner:
        place.close()
