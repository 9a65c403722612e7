"""A worker that does nothing with each job, as fast as it can, until SIGTERM: ``soaking URL RETENTION``."""

import asyncio
import signal
import sys

from jobledger import App

SLOTS = 100
app = App(sys.argv[1], retention=float(sys.argv[2]))


@app.job("soak")
async def soak(*, n: int) -> int:
    return n


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with app.worker(slots=SLOTS, threads=0):
        await ended.wait()


asyncio.run(main())
