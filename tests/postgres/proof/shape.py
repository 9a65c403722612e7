"""What is submitted, and what becomes of it: the two shapes of load, each of which catches what the other can't."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from jobledger._core import commands as c
from jobledger._core.outcome import Cancel, Done, Fail, Failed, Reason, Retry
from jobledger._core.retry import RetryPolicy

if TYPE_CHECKING:
    from jobledger._core.job import Job

TYPES: Final = ("mail", "bill", "ship", "sync", "tidy")


class Shape(NamedTuple):
    """How jobs share entities.

    Attributes:
        entities: how many there are.
        keyed: the share of jobs that have one.
        burst: how many jobs of the same entity come at once, at most.
        backlog: nobody submits while more jobs than this are alive.
    """

    name: str
    entities: int
    keyed: float
    burst: int
    backlog: int


DENSE: Final = Shape("dense", 10, 0.85, 1, 250)
"""Mailboxes are always there, and deep."""
SPARSE: Final = Shape("sparse", 44, 0.95, 6, 40)
"""Mailboxes come and go, and jobs arrive at free ones at the same time."""


class Dice:
    """All that one thread chooses; the same seed and name choose the same."""

    def __init__(self, shape: Shape, seed: int, name: str, types: tuple[int, ...]) -> None:
        self.rng = Random(f"{seed} {name}")
        self._shape = shape
        self._name = name
        self._types = types
        self._numbers = count(1)

    def entity(self) -> str | None:
        if self.rng.random() > self._shape.keyed:
            return None
        return f"entity{self.rng.randrange(self._shape.entities):02}"

    def new(self, entity: str | None) -> c.Submit:
        """A job; one of ten is due later."""
        rng = self.rng
        return c.Submit(
            f"{self._name}-{next(self._numbers)}", rng.choice(self._types), b"{}", rng.randrange(4), entity=entity,
            delay=rng.randrange(300_000) if rng.random() < 0.1 else 0, max_attempts=rng.randint(1, 4),
            max_losses=rng.randint(2, 4),
        )  # fmt: skip

    def several(self) -> tuple[c.Submit, ...]:
        """A burst for one entity, or some jobs of any."""
        size = self.rng.randint(1, max(self._shape.burst, 4))
        if self._shape.burst > 1:
            entity = self.entity()
            return tuple(self.new(entity) for _ in range(size))
        return tuple(self.new(self.entity()) for _ in range(size))

    def ending(self, job: Job, *, last: bool) -> c.Settle | c.Release:
        """How an attempt ends; ``last``: nothing more is to come of it."""
        rng, writer_id = self.rng, job.writer_id or 0
        if last:
            return c.Settle(job.id, job.key, job.run, writer_id, Done(), 1000)
        if rng.random() < 0.08:
            return c.Release(job.id, job.key, job.run, writer_id)
        outcome = rng.choices(
            (Done(), Retry(rng.random() * 0.05), Failed("boom"), Failed("slow", Reason.TIMEOUT), Fail("no"), Cancel()),
            (50, 20, 10, 4, 8, 8),
        )[0]
        children = self.several()[:2] if rng.random() < 0.2 else ()
        policy = RetryPolicy(0.02, 1.0, 0.05, rng.choice(("block", "step-aside")))
        return c.Settle(
            job.id, job.key, job.run, writer_id, outcome, rng.randrange(100_000), b"1", retry=policy,
            jitter=rng.random(), children=children,
        )  # fmt: skip
