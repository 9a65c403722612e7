"""A worker with a hundred slots that ends when nothing is left to do; one of the jobs ends its process at once."""

import asyncio
import os
import sys

from jobledger import App
from jobledger._core.catalog import QUEUE_DEPTH, RUNNING

app = App(f"sqlite:///{sys.argv[1]}?durability=off")


@app.job("poison")
async def poison() -> None:
    os._exit(9)


@app.job("sleep")
async def sleep() -> None:
    await pause(0.001)


async def pause(seconds: float) -> None:
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=seconds)


async def left() -> bool:
    now = await app.metrics.snapshot()
    return bool(now.value(QUEUE_DEPTH) or now.value(RUNNING))


async def until_all_have_ended() -> None:
    async with app.worker(slots=100):
        while await left():
            await pause(0.01)


asyncio.run(until_all_have_ended())
