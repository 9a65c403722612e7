"""The handlers of a run: each does what its payload says, and is watched."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jobledger import App, Cancel, Context, Fail, Retry
from tests.faults.chaos.pause import pause
from tests.faults.simulation.watched import watched

if TYPE_CHECKING:
    from tests.faults.simulation.watched import Sight

DONE = "simulated_done_total"
"""A counter of the handlers' own: it must equal the completions."""
_CLEANING = 0.3
_DEAF = 9.0


class Trouble(Exception):
    """An attempt that fails as planned."""


def register(app: App) -> None:
    """Register the types of the plan."""
    app.job("plain", max_attempts=3, retry_base=0.5, retry_cap=1.0)(act)
    app.job("aside", max_attempts=3, retry_base=0.5, retry_cap=1.0, on_retry="step-aside")(act)
    app.job("brief", max_attempts=3, retry_base=0.2, retry_cap=1.0, timeout=0.4)(act)
    app.job("thread", max_attempts=3, retry_base=0.5, retry_cap=1.0)(act_in_thread)
    app.job("child", priority="high")(grow)


async def act(ctx: Context, *, ticket: int, item: int, ms: int, ends: list[str], words: int, children: int) -> Any:
    with watched(ctx) as sight:
        for word in range(words):
            ctx.progress(10.0 * word, f"{ctx.fence}")
            await pause(ms / 3000)
        end = ends[min(ctx.attempt, len(ends)) - 1]
        if end == "forever":
            await pause(1e6)
        if end == "deaf":
            sight.is_deaf = True
            await _deafly(_DEAF)
        try:
            await pause(ms / 1000)
        except asyncio.CancelledError:
            if end != "stubborn":
                raise
            await pause(_CLEANING)
        return _answer(ctx, sight, end, children)


async def _deafly(seconds: float) -> None:
    """Whatever asks it to stop, it goes on; so its worker, if it is to stop, has to leave it behind."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        with suppress(asyncio.CancelledError):
            await pause(until - loop.time())


def act_in_thread(ctx: Context, *, ticket: int, item: int, ms: int, ends: list[str], words: int, children: int) -> Any:
    with watched(ctx) as sight:
        for word in range(words):
            ctx.progress(10.0 * word, f"{ctx.fence}")
        return _answer(ctx, sight, ends[min(ctx.attempt, len(ends)) - 1], children)


async def grow(ctx: Context, *, of: str, fence: int) -> Any:
    with watched(ctx) as sight:
        await pause(0.01)
        return _answer(ctx, sight, "done", 0)


def _answer(ctx: Context, sight: Sight, end: str, children: int) -> Any:
    """Its fence as the result says which execution a completion is of."""
    for number in range(children):
        child = ctx.submit("child", {"of": ctx.job_id, "fence": ctx.fence}, entity=f"entity:{number}")
        sight.children.append(str(child))
    ctx.metrics.counter(DONE, type=ctx.type).inc()
    match end:
        case "raise":
            raise Trouble
        case "retry":
            sight.answer = "retried"
            return Retry(after=0.1)
        case "fail":
            sight.answer = "failed"
            return Fail("for good")
        case "cancel":
            sight.answer = "cancels"
            return Cancel("never mind")
        case _:
            return {"fence": ctx.fence}
