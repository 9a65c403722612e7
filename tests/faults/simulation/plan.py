"""What is submitted in a run: tickets that follow from the seed alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random

PRIORITIES: Final = ("critical", "high", "normal", "low")
ENDS: Final = (
    (("done",), 60),
    (("raise", "done"), 10),
    (("retry", "raise", "done"), 6),
    (("raise", "raise", "raise"), 6),
    (("fail",), 6),
    (("retry", "cancel"), 4),
    (("stubborn",), 4),
    (("forever", "done"), 4),
)
"""What a handler does at its first attempt, its second and so on, with how many in a hundred do that."""
_DEAF: Final = 0.15
_TYPES: Final = ("plain", "plain", "plain", "aside", "brief", "thread")


@dataclass(frozen=True)
class Ticket:
    """One submit of a plan.

    Attributes:
        at: when it is sent, in seconds.
        payloads: one per job; more than one is a batch.
        options: entity, delay, dedupe and so on, for all of them.
        cancel_after: seconds from its answer after which its first job is cancelled, or None.
    """

    number: int
    at: float
    type: str
    payloads: tuple[dict[str, Any], ...]
    options: dict[str, Any] = field(default_factory=dict)
    cancel_after: float | None = None


def plan(chance: random.Random) -> list[Ticket]:
    """The tickets of a run, in the order in which they are sent."""
    seconds = chance.uniform(1.0, 6.0)
    tickets = [_ticket(number, chance, seconds) for number in range(chance.randint(6, 20))]
    return sorted(tickets, key=lambda ticket: ticket.at)


def deafened(tickets: list[Ticket], chance: random.Random) -> list[Ticket]:
    """In some runs one job does not stop, whoever asks it to."""
    able = [place for place, ticket in enumerate(tickets) if ticket.type != "thread"]
    if able and chance.random() < _DEAF:
        place = chance.choice(able)
        first, *rest = tickets[place].payloads
        tickets[place] = replace(tickets[place], payloads=(first | {"ends": ["deaf"]}, *rest))
    return tickets


def _ticket(number: int, chance: random.Random, seconds: float) -> Ticket:
    items = chance.randint(2, 5) if chance.random() < 0.08 else 1
    type_ = chance.choice(_TYPES)
    payloads = tuple(_payload(number, item, type_, chance) for item in range(items))
    cancel_after = chance.choice((0.0, chance.uniform(0.0, 1.0))) if chance.random() < 0.2 else None
    return Ticket(number, chance.uniform(0.0, seconds), type_, payloads, _options(chance, items), cancel_after)


def _payload(number: int, item: int, type_: str, chance: random.Random) -> dict[str, Any]:
    ends = _one_of(ENDS, chance)
    if type_ == "thread":  # what can't be stopped must end by itself
        ends = tuple("raise" if end in {"forever", "stubborn"} else end for end in ends)
    elif type_ != "brief" and "forever" in ends:
        ends = ("done",)
    return {
        "ticket": number,
        "item": item,
        "ms": chance.choice((0, chance.randint(1, 100), chance.randint(100, 3000))),
        "ends": list(ends),
        "words": chance.choice((0, 0, 0, 3)),
        "children": chance.choice((0, 0, 0, 0, 2)),
    }


def _options(chance: random.Random, items: int) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if chance.random() < 0.6:
        options["entity"] = f"entity:{chance.randrange(3)}"
    if chance.random() < 0.5:
        options["priority"] = chance.choice(PRIORITIES)
    if chance.random() < 0.15:
        options["delay"] = round(chance.uniform(0.01, 3.0), 3)
    if items == 1 and chance.random() < 0.15:
        options["dedupe"] = f"key:{chance.randrange(2)}"
        options |= chance.choice(({}, {"on_duplicate": "raise"}, {"dedupe_for": 5.0}))
    return options


def _one_of(weighted: tuple[tuple[tuple[str, ...], int], ...], chance: random.Random) -> tuple[str, ...]:
    (chosen,) = chance.choices([one for one, _ in weighted], [weight for _, weight in weighted])
    return chosen
