"""Where a PostgreSQL store is: what its URL says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import msgspec

from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from typing import Self

SCHEMES: Final = frozenset({"postgresql", "postgres"})
SCHEMA: Final = "jobledger"
SECRETS: Final = frozenset({"password", "sslpassword"})
"""Options of the driver that are never shown."""
_PLACE: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s\[\]:]*)(:\d{1,5})?", re.ASCII)
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,30}", re.ASCII)


class Target(msgspec.Struct, frozen=True):
    """A database and the schema in it.

    Attributes:
        dsn: what the driver connects to; it may hold a password, so it is never shown.
        schema: the name of the schema, quoted.
        name: how messages call it: the URL without its password.
    """

    dsn: str
    schema: str
    name: str

    @property
    def url(self) -> str:
        """The whole URL again, password and all."""
        schema = self.schema.strip('"')
        return self.dsn if schema == SCHEMA else f"{self.dsn}{'&' if '?' in self.dsn else '?'}schema={schema}"

    @property
    def channel(self) -> str:
        """What wake-ups are sent on: it has the name of the schema."""
        return self.schema.strip('"')

    @classmethod
    def of(cls, url: str) -> Self:
        """From a URL: ``postgresql://user:password@host:5432/database?schema=jobledger``.

        Raises:
            InvalidOption: it can't be read, or the schema has a name that needs care.
        """
        parts = split(url)
        _check(parts)
        options = parse_qsl(parts.query, keep_blank_values=True)
        schema = next((value for name, value in reversed(options) if name == "schema"), SCHEMA)
        if not _NAME.fullmatch(schema) or schema.startswith("pg_"):
            message = (
                f"the schema {schema!r} can't be used: take a-z, 0-9 and _, not a digit first, at most 31 characters"
            )
            raise InvalidOption(message)
        query = urlencode([(name, value) for name, value in options if name != "schema"])
        return cls(dsn=_url(parts, parts.netloc, query), schema=f'"{schema}"', name=_name(parts, options))


def split(url: str) -> SplitResult:
    """The parts of any URL.

    Raises:
        InvalidOption: it has none. The library's own word for that may show a password.
    """
    try:
        return urlsplit(url)
    except ValueError:
        message = "the URL can't be read: check its host, and write [ as %5B and ] as %5D in user and password"
        raise InvalidOption(message) from None


def _check(parts: SplitResult) -> None:
    if "@" in parts.path + parts.fragment or parts.fragment:
        message = "the URL can't be read: in user and password write / as %2F, ? as %3F, # as %23 and @ as %40"
        raise InvalidOption(message)
    for place in parts.netloc.rpartition("@")[2].split(","):
        if not _PLACE.fullmatch(place):
            message = f"the URL can't be read: {place!r} is not HOST or HOST:PORT"
            raise InvalidOption(message)


def _name(parts: SplitResult, options: list[tuple[str, str]]) -> str:
    """The URL without what is secret in it, as it can be given to a command."""
    user, at, places = parts.netloc.rpartition("@")
    query = urlencode([(name, value) for name, value in options if name not in SECRETS], safe="/,")
    return _url(parts, f"{user.partition(':')[0]}{at}{places}", query)


def _url(parts: SplitResult, netloc: str, query: str) -> str:
    """Not by the standard library, which drops the slashes where there is no host."""
    return f"{parts.scheme}://{netloc}{parts.path}{'?' if query else ''}{query}"
