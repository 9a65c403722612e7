"""An incident as data: what breaks, which alerts must come of it, and which others are right to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.observability.incidents.deployment import Deployment

Step: TypeAlias = Callable[[Deployment], Awaitable[None]]
Name: TypeAlias = str
"""An alert without ``Jobledger``, and the type that it is about, if it is about one: ``HungJob image.resize``."""


async def nothing(_: Deployment) -> None:
    """Neither broken nor mended."""


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One story.

    Attributes:
        name: as the table has it.
        told: what happens, in a line.
        breaks: what is done to a healthy deployment.
        mends: what ends it.
        must: the alerts that fire.
        after: those that fire once it is mended.
        may: alerts that may fire as well, and why they are right; ``*`` stands for every type.
        crews: the workers before it: for each one that is started, how many processes it has.
    """

    name: str
    told: str
    breaks: Step
    mends: Step = nothing
    must: tuple[Name, ...] = ()
    after: tuple[Name, ...] = ()
    may: Mapping[Name, str] = field(default_factory=dict[str, str])
    crews: tuple[int, ...] = (1, 1)

    def expects(self, name: Name) -> bool:
        """Whether an alert is one that must or may fire."""
        alert, _, type_ = name.partition(" ")
        return name in {*self.must, *self.after, *self.may} or bool(type_ and f"{alert} *" in self.may)
