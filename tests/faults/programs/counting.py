"""A worker whose handlers count, and write down that they did: ``counting URL FILE HELD``.

Those of jobs from the number HELD on count, say so in the file, and never end.
"""

import asyncio
import os
import sys

from jobledger import App, Context

URL, NOTES, HELD = sys.argv[1], sys.argv[2], int(sys.argv[3])
app = App(URL)


def note(word: str, number: int) -> None:
    """One write to a file opened for appending: it is in the file, whole, before the handler goes on."""
    descriptor = os.open(NOTES, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{word} {number}\n".encode())
    os.close(descriptor)


@app.job("invoice.charge", max_losses=1000, retry_base=0)
async def charge(ctx: Context, *, number: int) -> None:
    plan = "pro" if number % 2 else "free"
    ctx.metrics.counter("billing_invoices_total", plan=plan).inc(3)
    ctx.metrics.histogram("billing_invoice_euros").observe(number)
    await asyncio.to_thread(note, "counted", number)
    if number >= HELD:
        note("held", number)
        await asyncio.Event().wait()
    if number % 7 == 0 and ctx.attempt == 1:
        raise ConnectionError("its counts are dropped")


async def main() -> None:
    async with app.worker(slots=4, lease=2):
        await asyncio.Event().wait()


asyncio.run(main())
