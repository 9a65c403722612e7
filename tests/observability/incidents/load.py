"""The load of a usual day: jobs of every type at a steady pace, some of them for a customer."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final

from tests.faults.chaos.pause import pause

if TYPE_CHECKING:
    from jobledger import App

PACE: Final = {"email.send": 8.0, "report.render": 1.0, "row.import": 1.0, "image.resize": 0.5, "invoice.post": 0.5}
"""Jobs in a second of the story that is told faster."""
CUSTOMERS: Final = 100


async def steady(app: App, seed: str) -> None:
    """Submit until cancelled."""
    async with asyncio.TaskGroup() as types:
        for name, pace in PACE.items():
            types.create_task(_of_one_type(app, name, pace, random.Random(f"{seed}:{name}")))


async def _of_one_type(app: App, name: str, pace: float, chance: random.Random) -> None:
    """Whatever was missed while the machine was busy is not made up for."""
    clock = asyncio.get_running_loop().time
    due = clock()
    while True:
        entity = f"customer:{chance.randrange(CUSTOMERS)}" if chance.random() < 0.5 else None
        await app.jobs.submit(name, {}, entity=entity)
        due = max(due + chance.uniform(0.5, 1.5) / pace, clock())
        await pause(due - clock())
