"""A handler can submit jobs that are committed with its completion."""

import pytest

from jobledger import App, Context, Fail
from jobledger.errors import InvalidPayload, JobEnded, UnknownType


async def test_children_come_with_the_completion(app: App) -> None:
    """`ctx.submit` gives the child's id at once; the child is there when the parent is complete, and not before."""

    @app.job("order")
    async def order(ctx: Context, *, items: int) -> list[str]:
        ids = [ctx.submit("ship", {"item": item}, entity="customer:1") for item in range(items)]
        assert (await app.jobs.list(type="ship")).jobs == ()
        return [str(job_id) for job_id in ids]

    @app.job("ship")
    async def ship(*, item: int) -> int:
        return item

    async with app.worker():
        children = await order.result(await order.submit(items=3), wait=5)
        assert [await ship.result(job_id, wait=5) for job_id in children] == [0, 1, 2]


async def test_a_failed_parent_has_no_children(app: App) -> None:
    """Nor has one that is tried again: only the attempt that completes has."""

    @app.job("order", retry_base=0)
    async def order(ctx: Context, *, gives_up: bool) -> Fail | None:
        ctx.submit("ship")
        if gives_up:
            return Fail("sold out")
        if ctx.attempt < 3:
            raise OSError
        return None

    async with app.worker():
        await app.declare("ship")
        with pytest.raises(JobEnded):
            await order.result(await order.submit(gives_up=True), wait=5)
        assert (await app.jobs.list(type="ship")).jobs == ()
        await app.jobs.result(await order.submit(gives_up=False), wait=5)
        assert len((await app.jobs.list(type="ship")).jobs) == 1


async def test_a_bad_child_is_an_error_in_the_handler(app: App) -> None:
    """What could not be submitted is said at `ctx.submit`; the handler may go on without it."""
    raised: list[Exception] = []

    @app.job("ship")
    async def ship(*, item: int) -> None: ...

    @app.job("order")
    async def order(ctx: Context) -> None:
        for name, payload in (("shp", {"item": 1}), ("ship", {"item": "one"})):
            try:
                ctx.submit(name, payload)
            except (UnknownType, InvalidPayload) as error:
                raised.append(error)

    async with app.worker():
        await order.result(await order.submit(), wait=5)

    assert [type(error) for error in raised] == [UnknownType, InvalidPayload]


async def test_an_error_over_a_child_is_no_error_of_the_payload(app: App) -> None:
    """It is a failure of the handler like any other: tried again, with its traceback."""

    @app.job("ship")
    async def ship(*, item: int) -> None: ...

    @app.job("order", max_attempts=2, retry_base=0)
    async def order(ctx: Context) -> None:
        ctx.submit("ship", {"item": "one"})

    async with app.worker():
        job_id = await order.submit()
        with pytest.raises(JobEnded):
            await order.result(job_id, wait=5)
        report = await app.jobs.status(job_id)

    assert (len(report.attempts), report.reason) == (2, "MaxAttempts")
    assert "Traceback" in (report.error or "")


async def test_children_can_be_deduplicated(app: App) -> None:
    """A held key is found at the commit: the parent completes all the same."""

    @app.job("order")
    async def order(ctx: Context) -> None:
        ctx.submit("ship", dedupe="once")
        ctx.submit("ship", dedupe="once")

    async with app.worker():
        await app.declare("ship")
        await order.result(await order.submit(), wait=5)
        assert len((await app.jobs.list(type="ship")).jobs) == 1
