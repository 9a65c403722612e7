"""A worker that prints its metrics for each line on stdin."""

import asyncio
import importlib
import sys


async def main(module: str) -> None:
    app = importlib.import_module(module).app
    async with app.worker():
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            text = await app.metrics.text()
            print(f"{text.decode()}# END", flush=True)


asyncio.run(main(sys.argv[1]))
