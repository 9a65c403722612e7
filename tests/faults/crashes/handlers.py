"""The handlers of the story: one that succeeds, one that fails, one that needs two attempts, and so on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jobledger import App, Context
from tests.faults.crashes.notes import Began, Finished, Notes

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = "story_done_total"
"""A counter of the handlers' own: it must equal the completions."""


class Trouble(Exception):
    """An attempt that fails as planned."""


def _nobody(_: str) -> None:
    pass


def register(app: App, notes: Notes, *, heard: Callable[[str], None] = _nobody, endless: bool = False) -> None:
    """Register all types.

    Args:
        app: on which.
        notes: where handlers write.
        heard: hears the id of each job that has begun.
        endless: whether the endless ones are; when all is drained later, they end.
    """

    def begin(ctx: Context) -> None:
        notes.write(Began(ctx.job_id, ctx.fence))
        heard(ctx.job_id)

    def finish(ctx: Context) -> None:
        ctx.metrics.counter(DONE).inc()
        notes.write(Finished(ctx.job_id, ctx.fence))

    @app.job("plain")
    async def plain(ctx: Context, *, n: int, item: int) -> int:
        begin(ctx)
        ctx.progress(50, "half of it")
        finish(ctx)
        return n * 100 + item

    @app.job("doomed", max_attempts=1)
    async def doomed(ctx: Context, *, n: int, item: int) -> None:
        begin(ctx)
        raise Trouble

    @app.job("flaky", retry_base=0.001)
    async def flaky(ctx: Context, *, n: int, item: int) -> None:
        begin(ctx)
        if ctx.attempt == 1:
            raise Trouble
        finish(ctx)

    @app.job("endless")
    async def forever(ctx: Context, *, n: int, item: int) -> None:
        begin(ctx)
        if endless:
            await asyncio.Event().wait()
        finish(ctx)

    @app.job("parent")
    async def parent(ctx: Context, *, n: int, item: int) -> None:
        begin(ctx)
        ctx.submit("child", {"of": ctx.job_id})
        finish(ctx)

    @app.job("child")
    async def child(ctx: Context, *, of: str) -> None:
        begin(ctx)
        finish(ctx)
