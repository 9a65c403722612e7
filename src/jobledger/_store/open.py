"""From a URL to a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._store.contract import Store
    from jobledger._types import Micros

_DURABILITIES = ("power", "process", "off")


def open_store(url: str, now: Callable[[], Micros], boundaries: tuple[float, ...] | None = None) -> Store:
    """The store that a URL names: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``?durability=power|process``.

    Raises:
        InvalidOption: the URL names no store that this version knows.
    """
    parts = urlsplit(url)
    if parts.scheme in {"postgresql", "postgres"}:
        message = "PostgreSQL is not in this version yet: use sqlite:///file.db"
        raise InvalidOption(message)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or not path:
        message = (
            f"{_redacted(url)!r} names no store: "
            "use sqlite:///file.db (relative) or sqlite:////var/lib/file.db (absolute)"
        )
        raise InvalidOption(message)
    if parts.fragment or path == ":memory:":
        wanted = (
            "write a # in a path as %23" if parts.fragment else "a store is a file, so that it outlives the process"
        )
        raise InvalidOption(f"{_redacted(url)!r} names no store: {wanted}")
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    durability = options.pop("durability", "power")
    if durability not in _DURABILITIES or options:
        message = f"the URL takes ?durability={'|'.join(_DURABILITIES)} and nothing else, not {parts.query!r}"
        raise InvalidOption(message)
    from jobledger._store.sqlite.store import SqliteStore

    return SqliteStore(Path(path), now, durability, boundaries)


def _redacted(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}…@{rest.rpartition('@')[2]}" if "@" in rest else url
