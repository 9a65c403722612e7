"""What is submitted: tickets, each of which follows from the seed and its number alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH: Final = 10
CHILDREN: Final = 2
LONG_MS: Final = 600

JOBS_PER_ENTITY: Final = 60
STEPS_ASIDE: Final = "aside"
POISON: Final = "poison"
POISONS: Final = 5
"""A job that kills its worker comes up to so many times in a plan."""


@dataclass(frozen=True)
class Ticket:
    """One submit of a plan.

    Attributes:
        type: one of those that the handlers are registered under.
        payloads: one per job; more than one is a batch.
        options: entity, delay, dedupe and so on, for all of them.
        entities: one per job of a batch.
        cancel_after: seconds after which it is cancelled, or None.
    """

    number: int
    type: str
    payloads: tuple[dict[str, Any], ...]
    options: dict[str, Any] = field(default_factory=dict)
    entities: tuple[str | None, ...] = ()
    cancel_after: float | None = None

    @property
    def size(self) -> int:
        """How many jobs come of it, children included; duplicates are not counted on."""
        if "dedupe" in self.options:
            return 0
        return len(self.payloads) + sum(len(payload.get("children", ())) for payload in self.payloads)


def plan(seed: int, jobs: int, *, poisoned: bool = False) -> Iterator[Ticket]:
    """Tickets for at least so many jobs; poisoned: a few of them kill their workers."""
    entities = max(jobs // JOBS_PER_ENTITY, 10)
    number = planned = 0
    period = max(jobs // POISONS, POISONS)
    while planned < jobs:
        chance = Chance(f"{seed}:{number}", entities)
        (shape,) = chance.dice.choices(*zip(*_SHAPES, strict=True))
        poison = poisoned and number % period == period // 2
        one: Ticket = Ticket(number, POISON, ({"ticket": number, "item": 0},)) if poison else shape(number, chance)
        planned += one.size
        number += 1
        yield one


class Chance:
    """What decides over one ticket.

    Attributes:
        dice: follow from the seed and the ticket's number.
    """

    def __init__(self, seed: str, entities: int) -> None:
        self.dice = random.Random(seed)
        self._entities = entities

    def entity(self) -> str:
        return f"entity:{self.dice.randrange(self._entities)}"

    def perhaps(self) -> dict[str, Any]:
        """Half of what may be keyed is."""
        return {"entity": self.entity()} if self.dice.random() < 0.5 else {}


def _payload(number: int, chance: Chance, item: int = 0, **more: object) -> dict[str, Any]:
    return {"ticket": number, "item": item, "ms": chance.dice.randint(5, 120), **more}


def _free(number: int, chance: Chance) -> Ticket:
    return Ticket(
        number, "plain", (_payload(number, chance),), {"priority": chance.dice.choice(("high", "normal", "low"))}
    )


def _keyed(number: int, chance: Chance) -> Ticket:
    return Ticket(number, "plain", (_payload(number, chance),), {"entity": chance.entity()})


def _thread(number: int, chance: Chance) -> Ticket:
    return Ticket(number, "thread", (_payload(number, chance),), chance.perhaps())


def _flaky(number: int, chance: Chance) -> Ticket:
    return Ticket(number, "flaky", (_payload(number, chance, fails=chance.dice.randint(1, 2)),), chance.perhaps())


def _aside(number: int, chance: Chance) -> Ticket:
    return Ticket(
        number, "aside", (_payload(number, chance, fails=chance.dice.randint(1, 2)),), {"entity": chance.entity()}
    )


def _doomed(number: int, chance: Chance) -> Ticket:
    """Fails for good at once, or uses its attempts up."""
    return Ticket(number, "doomed", (_payload(number, chance, fails=chance.dice.choice((0, 9))),), chance.perhaps())


def _delayed(number: int, chance: Chance) -> Ticket:
    options = {"delay": round(chance.dice.uniform(0.1, 2.0), 3), **chance.perhaps()}
    return Ticket(number, "plain", (_payload(number, chance),), options)


def _parent(number: int, chance: Chance) -> Ticket:
    """Some leave children and fail: those must never be."""
    children = [chance.entity() for _ in range(CHILDREN)]
    payload = _payload(number, chance, children=children, fails=chance.dice.randint(0, 1))
    return Ticket(number, "parent", (payload,), chance.perhaps())


def _batch(number: int, chance: Chance) -> Ticket:
    items = tuple(_payload(number, chance, item) for item in range(BATCH))
    entities = tuple(chance.entity() if chance.dice.random() < 0.5 else None for _ in items)
    return Ticket(number, "plain", items, {"batch": f"batch:{number}"}, entities)


def _deduped(number: int, chance: Chance) -> Ticket:
    """Tickets that stand near each other share a key."""
    window = {"dedupe_for": 0.5} if chance.dice.random() < 0.5 else {}
    return Ticket(number, "plain", (_payload(number, chance),), {"dedupe": f"key:{number // 50}", **window})


def _cancelled_queued(number: int, chance: Chance) -> Ticket:
    return Ticket(number, "plain", (_payload(number, chance),), {"delay": 3.0, **chance.perhaps()}, cancel_after=0.0)


def _cancelled_in_flight(number: int, chance: Chance) -> Ticket:
    payload = _payload(number, chance) | {"ms": LONG_MS}
    return Ticket(number, "long", (payload,), chance.perhaps(), cancel_after=chance.dice.uniform(0.05, 0.3))


_SHAPES: Final = (
    (_free, 27),
    (_keyed, 26),
    (_thread, 6),
    (_flaky, 8),
    (_aside, 4),
    (_doomed, 3),
    (_delayed, 6),
    (_parent, 5),
    (_batch, 3),
    (_deduped, 6),
    (_cancelled_queued, 3),
    (_cancelled_in_flight, 3),
)
"""Each shape of ticket, with how many in a hundred have it."""
