"""A worker whose jobs don't end; it says which it has started."""

import asyncio
import sys

from jobledger import App

app = App(f"sqlite:///{sys.argv[1]}?durability=off")


@app.job("step")
async def step(*, name: str) -> None:
    print(name, flush=True)  # noqa: T201 - the test reads it
    await asyncio.Event().wait()


async def main() -> None:
    async with app.worker(slots=10, lease=600):  # so that nothing comes of its silence
        await asyncio.Event().wait()


asyncio.run(main())
