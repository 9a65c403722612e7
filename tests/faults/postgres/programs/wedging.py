"""A worker whose handlers block its event loop: ``wedging URL LEASE LIMIT``; LIMIT is how long that may last.

Each start is a line.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

from jobledger import App, Context
from jobledger._runtime import liveness

app = App(sys.argv[1])


@app.job("block")
async def block(ctx: Context, *, seconds: float) -> int:
    """It computes, and gives nobody else a turn."""
    print("started", ctx.job_id, flush=True)  # noqa: T201 - the test reads it
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        sum(range(1000))
    return os.getpid()


async def main(lease: float) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with app.worker(slots=1, grace=0, lease=lease):
        print("ready", flush=True)  # noqa: T201 - the test reads it
        await ended.wait()


if __name__ == "__main__":
    liveness.WEDGED_SECONDS = float(sys.argv[3])  # type: ignore[misc]
    asyncio.run(main(float(sys.argv[2])))
