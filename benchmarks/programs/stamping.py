"""A worker whose jobs write down when they started: ``stamping URL FILE``."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time

from jobledger import App

logging.getLogger("jobledger").setLevel(logging.ERROR)
app = App(sys.argv[1])
stamps = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)


@app.job("stamp")
async def stamp(i: int) -> None:
    os.write(stamps, f"{i} {time.monotonic_ns()}\n".encode())


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with app.worker():
        print("ready", flush=True)
        await ended.wait()


asyncio.run(main())
