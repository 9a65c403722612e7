"""A worker of no-op jobs: ``python -m benchmarks.programs.draining URL``; it says so when it runs, and goes on."""

from __future__ import annotations

import asyncio
import signal
import sys

from jobledger import App


async def main(url: str) -> None:
    app, ended = App(url), asyncio.Event()

    @app.job("noop")
    async def noop(i: int = 0) -> int:
        return i

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with app.worker(slots=100):
        print("ready", flush=True)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
