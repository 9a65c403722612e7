"""Submits without end, and says what was accepted."""

import asyncio
import sys

from jobledger import App

app = App(f"sqlite:///{sys.argv[1]}?durability=off")


async def main() -> None:
    async with app:
        await app.declare("step")
        while True:
            print(await app.jobs.submit("step"), flush=True)  # noqa: T201 - the test reads it


asyncio.run(main())
