"""The life of a process: it opens the store, works or only calls, and stops when it is asked to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jobledger import App
from tests.faults.chaos.pause import pause
from tests.faults.simulation.handlers import register

if TYPE_CHECKING:
    from tests.faults.simulation.process import Process

_AT_ONCE = 0.7
"""How many workers open the store as workers; the others are clients first, and after."""


async def live(process: Process) -> None:
    """From start to end."""
    process.leaving = asyncio.Event()
    app = process.app = App(f"sqlite:///{process.machine.path}?durability=off&filesystem=any", clock=process)
    register(app)
    if process.is_leaving:
        return
    if process.role == "worker" and process.chance.random() < _AT_ONCE:
        await _work(process, app)
        return
    async with app:
        if process.role == "worker":  # it may have submitted by then, as a client
            await pause(process.chance.uniform(0.0, 1.0))
            await _work(process, app)
        await process.leaving.wait()


async def _work(process: Process, app: App) -> None:
    assert process.leaving is not None
    slots, grace = process.chance.choice((1, 2, 4)), process.chance.choice((0.0, 1.0))
    async with app.worker(slots=slots, threads=1, grace=grace, lease=process.machine.storm.lease) as node:
        process.node = node
        await process.leaving.wait()
    process.node = None
