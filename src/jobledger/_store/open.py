"""From a URL to a store."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from jobledger._store.postgres.target import SCHEMES, Target, split
from jobledger.errors import InvalidOption, NetworkFileSystem

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._store.contract import Store
    from jobledger._types import Micros

_DURABILITIES = ("power", "process", "off")
_FILESYSTEMS = ("local", "any")


def is_postgres(url: str) -> bool:
    """Whether a URL names a store on PostgreSQL; nothing is imported for that."""
    return url.partition("://")[0].lower() in SCHEMES


def open_store(
    url: str,
    now: Callable[[], Micros],
    boundaries: tuple[float, ...] | None = None,
    *,
    migrating: bool = False,
    simulated: bool = False,
) -> Store:
    """The store that a URL names: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``postgresql://host/database``.

    SQLite's options are ``?durability=power|process`` and ``?filesystem=any``, which does not ask where the file lies.
    PostgreSQL's are ``?schema=name`` and the driver's own.

    Args:
        url: where.
        now: wall time.
        boundaries: the ladder of a new store, which an old one must have.
        migrating: whether a PostgreSQL schema is made or migrated; an SQLite file always is.
        simulated: ``now`` holds on PostgreSQL too, whose own clock is used otherwise.

    Raises:
        InvalidOption: the URL names no store that this version knows, or its driver is not installed.
        NetworkFileSystem: the file lies where locks don't hold; nothing was created.
    """
    parts = split(url)
    if is_postgres(url):
        return _postgres(url, now if simulated else None, boundaries, migrating=migrating)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or not path:
        message = (
            f"{_redacted(url)!r} names no store: "
            "use sqlite:///file.db (relative), sqlite:////var/lib/file.db (absolute) or postgresql://host/database"
        )
        raise InvalidOption(message)
    if parts.fragment or path == ":memory:":
        wanted = (
            "write a # in a path as %23" if parts.fragment else "a store is a file, so that it outlives the process"
        )
        raise InvalidOption(f"{_redacted(url)!r} names no store: {wanted}")
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    durability, filesystem = options.pop("durability", "power"), options.pop("filesystem", "local")
    if durability not in _DURABILITIES or filesystem not in _FILESYSTEMS or options:
        message = (
            f"the URL takes ?durability={'|'.join(_DURABILITIES)}, ?filesystem={'|'.join(_FILESYSTEMS)} "
            f"and nothing else, not {parts.query!r}"
        )
        raise InvalidOption(message)
    _check_path(path)
    from jobledger._store.sqlite.filesystem import network_filesystem
    from jobledger._store.sqlite.store import SqliteStore

    kind = network_filesystem(Path(path)) if filesystem == "local" else None
    if kind is not None:
        raise NetworkFileSystem(path, kind)
    return SqliteStore(Path(path), now, durability, boundaries)


def _postgres(
    url: str, fixed: Callable[[], Micros] | None, boundaries: tuple[float, ...] | None, *, migrating: bool
) -> Store:
    try:
        from jobledger._store.postgres.store import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        message = "PostgreSQL needs a driver: pip install 'jobledger[postgres]'"
        raise InvalidOption(message) from error
    return PostgresStore(Target.of(url), fixed, boundaries, migrating=migrating)


def _check_path(path: str) -> None:
    """Whether a file can have such a name at all; whether it is there, and may be used, is seen when it is opened.

    Raises:
        InvalidOption: it can't.
    """
    try:
        os.lstat(f"{path}-journal")  # the longest name of the files beside it
    except ValueError as error:
        message = f"{path!r} can be no path: it has a NUL, or half a surrogate pair"
        raise InvalidOption(message) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            message = f"{path[:100]}… is too long for a path on this system: use a shorter one"
            raise InvalidOption(message) from error


def _redacted(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}…@{rest.rpartition('@')[2]}" if "@" in rest else url


def schema_of(url: str) -> str:
    """The schema, quoted, that a caller's own connection finds the store in.

    Raises:
        InvalidOption: the store is a file, which only its own writer writes.
    """
    if not is_postgres(url):
        message = "jobs can join a transaction on PostgreSQL only: leave `connection` out, or use App('postgresql://…')"
        raise InvalidOption(message)
    from jobledger._store.postgres.target import Target

    return Target.of(url).schema
