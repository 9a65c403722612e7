"""What a wake-up says: the types of new jobs, or nothing in particular."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.commands import Submit, SubmitAll

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger._core.commands import Command

ANY: Final = frozenset[int]()
"""Whatever there is."""
MOST_TYPES: Final = 50


def word_of(types: frozenset[int]) -> str:
    """How a wake-up names types; many are as good as any."""
    return ",".join(map(str, sorted(types))) if len(types) <= MOST_TYPES else ""


def types_of(word: str) -> frozenset[int]:
    """What a wake-up names; a word that is none of ours means any."""
    return frozenset(map(int, word.split(","))) if word and word.replace(",", "").isdecimal() else ANY


def both(one: frozenset[int], other: frozenset[int]) -> frozenset[int]:
    """What two wake-ups say together."""
    return one | other if one and other else ANY


def types_made_by(commands: Iterable[Command]) -> frozenset[int]:
    """The types of new jobs, where a batch makes nothing else ready."""
    types: set[int] = set()
    for command in commands:
        match command:
            case Submit():
                types.add(command.type_id)
            case SubmitAll():
                types.update(item.type_id for item in command.items)
            case _:
                return ANY
    return frozenset(types)
