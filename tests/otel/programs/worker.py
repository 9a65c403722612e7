"""A worker that pushes four times a second: the store's URL, and the collector's."""

import asyncio
import sys

from jobledger import App, Telemetry

app = App(sys.argv[1], telemetry=Telemetry(spans="off", interval=0.25, endpoint=sys.argv[2]))


@app.job("work", retry_base=0)
async def work(*, fails: bool) -> None:
    if fails:
        raise OSError


async def main() -> None:
    async with app.worker():
        print("ready", flush=True)  # noqa: T201 - the test waits for it
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
