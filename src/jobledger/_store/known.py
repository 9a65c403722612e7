"""The types that this process knows: from its own handlers, and from the table."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from jobledger._core.reads import JobType
from jobledger.errors import UnknownType

if TYPE_CHECKING:
    from collections.abc import Iterable


class KnownTypes:
    """Types by name and by number; refreshed from the store when a name is missing."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._by_name: dict[str, JobType] = {}
        self._by_id: dict[int, JobType] = {}

    def learn(self, types: Iterable[JobType]) -> None:
        """Take what the store knows."""
        for type_ in types:
            self._by_name[type_.name] = type_
            self._by_id[type_.type_id] = type_

    def __contains__(self, name: str) -> bool:
        """Whether a type has this name."""
        return name in self._by_name

    def named(self, name: str) -> JobType:
        """The type with this name.

        Raises:
            UnknownType: there is none; carries near matches.
        """
        known = self._by_name.get(name)
        if known is None:
            raise UnknownType(name, get_close_matches(name, self._by_name, n=3))
        return known

    def name_of(self, type_id: int) -> str:
        """The name of a type, or its number if this process has not seen it."""
        known = self._by_id.get(type_id)
        return known.name if known is not None else f"type {type_id}"

    def has_id(self, type_id: int) -> bool:
        """Whether this number is known."""
        return type_id in self._by_id
