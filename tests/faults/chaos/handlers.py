"""The handlers of a run: each does what its payload says, and is watched."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from jobledger import App, Context, Fail
from tests.faults.chaos.pause import pause, pause_blocking
from tests.faults.chaos.plan import POISON

if TYPE_CHECKING:
    from tests.faults.chaos.witness import Sight, Witness

DONE = "chaos_done_total"
"""A counter of the handlers' own: it must equal the completions."""
MANY = 1000
"""Losses that a job of any other type may have: workers are killed at a rate at which suspects are hit again."""
_SLICE = 0.01


class Trouble(Exception):
    """An attempt that fails as planned."""


def register(app: App, witness: Witness) -> None:
    """Register the types of the plan."""
    _that_succeed(app, witness)
    _that_fail(app, witness)
    _with_children(app, witness)
    _that_kills(app, witness)


def _that_succeed(app: App, witness: Witness) -> None:
    @app.job("plain", max_losses=MANY)
    async def plain(ctx: Context, *, ticket: int, item: int, ms: int) -> None:
        with witness.attempt(ctx):
            await pause(ms / 1000)
            _count(ctx)

    @app.job("thread", max_losses=MANY)
    def thread(ctx: Context, *, ticket: int, item: int, ms: int) -> None:
        with witness.attempt(ctx):
            for _ in range(round(ms / 1000 / _SLICE)):
                ctx.check()
                pause_blocking(_SLICE)
            _count(ctx)

    @app.job("long", max_losses=MANY)
    async def long(ctx: Context, *, ticket: int, item: int, ms: int) -> None:
        with witness.attempt(ctx) as sight:
            await pause(_left(ms, sight))
            _count(ctx)


def _that_fail(app: App, witness: Witness) -> None:
    @app.job("flaky", max_losses=MANY, retry_base=0.05, retry_cap=0.5)
    async def flaky(ctx: Context, *, ticket: int, item: int, ms: int, fails: int) -> None:
        await stumbling(ctx, ms, fails)

    @app.job("aside", max_losses=MANY, retry_base=0.05, retry_cap=0.5, on_retry="step-aside")
    async def aside(ctx: Context, *, ticket: int, item: int, ms: int, fails: int) -> None:
        await stumbling(ctx, ms, fails)

    async def stumbling(ctx: Context, ms: int, fails: int) -> None:
        with witness.attempt(ctx):
            await pause(ms / 1000)
            if ctx.attempt <= fails:
                raise Trouble
            _count(ctx)

    @app.job("doomed", max_losses=MANY, retry_base=0.05, max_attempts=2)
    async def doomed(ctx: Context, *, ticket: int, item: int, ms: int, fails: int) -> Fail:
        with witness.attempt(ctx) as sight:
            await pause(ms / 1000)
            if fails:
                raise Trouble
            sight.answer = "failed"
            return Fail("for good")


def _with_children(app: App, witness: Witness) -> None:
    @app.job("parent", max_losses=MANY, retry_base=0.05)
    async def parent(ctx: Context, *, ticket: int, item: int, ms: int, children: list[str], fails: int) -> None:
        with witness.attempt(ctx) as sight:
            await pause(ms / 1000)
            for entity in children:
                sight.children.append(str(ctx.submit("child", {"of": ctx.job_id, "ms": ms}, entity=entity)))
            if ctx.attempt <= fails:
                raise Trouble
            _count(ctx)

    @app.job("child", max_losses=MANY)
    async def child(ctx: Context, *, of: str, ms: int) -> None:
        with witness.attempt(ctx):
            await pause(ms / 1000)
            _count(ctx)


def _that_kills(app: App, witness: Witness) -> None:
    @app.job(POISON)
    async def poison(ctx: Context, *, ticket: int, item: int) -> None:
        with witness.attempt(ctx):
            os.kill(os.getpid(), signal.SIGKILL)


def _count(ctx: Context) -> None:
    ctx.metrics.counter(DONE, type=ctx.type).inc()


def _left(ms: int, sight: Sight) -> float:
    """Long only at first: what is lost with a worker is run one at a time, and would hold the others up."""
    return ms / 1000 if sight.run == 1 else _SLICE
