"""A worker that prints its metrics for each line on stdin."""

import asyncio
import importlib
import sys


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def main(module: str) -> None:
    app = importlib.import_module(module).app
    async with app.worker():
        say("ready")
        while await asyncio.to_thread(sys.stdin.readline):
            text = await app.metrics.text()
            say(f"{text.decode()}# END")


asyncio.run(main(sys.argv[1]))
