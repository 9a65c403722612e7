"""Critical, high, normal, low: weights of 4, 3, 2, 1 while all of them wait."""

import pytest

from jobledger import App, Context, Priority
from jobledger.errors import InvalidOption


async def started(app: App, submits: list[str], slots: int = 1) -> list[str]:
    """The priorities in the order in which jobs of them were started."""
    order: list[str] = []

    @app.job("work")
    async def work(ctx: Context) -> None:
        order.append(ctx.priority.label)

    async with app:
        jobs = [await work.options(priority=priority).submit() for priority in submits]
        async with app.worker(slots=slots):
            for job_id in jobs:
                await app.jobs.result(job_id, wait=5)
    return order


async def test_the_more_urgent_job_goes_first(app: App) -> None:
    """One slot is free and both wait."""
    assert await started(app, ["low", "critical"]) == ["critical", "low"]


async def test_no_priority_starves(app: App) -> None:
    """Of the first ten starts each priority gets its weight."""
    order = await started(app, ["low", "normal", "high", "critical"] * 10)
    assert [order[:10].count(label) for label in ("critical", "high", "normal", "low")] == [4, 3, 2, 1]


async def test_an_unused_share_flows_on(app: App) -> None:
    """Weights say who goes first, never that a slot stays empty."""
    assert await started(app, ["low"] * 8, slots=8) == ["low"] * 8


async def test_the_type_says_what_a_submit_does_not(app: App) -> None:
    """A priority can be given for a type, and for one job of it, as a word or as a Priority."""

    @app.job("work", priority="high")
    async def work() -> None: ...

    async with app:
        by_type = await work.submit()
        by_word = await work.options(priority="low").submit()
        by_value = await work.options(priority=Priority.CRITICAL).submit()
        shown = [(await app.jobs.status(job_id)).priority for job_id in (by_type, by_word, by_value)]

    assert shown == ["high", "low", "critical"]


@pytest.mark.parametrize("priority", ["urgent", "HIGH", "", 1, None, []])
def test_an_unknown_priority_is_refused(app: App, priority: object) -> None:
    """The error names the four that there are."""
    with pytest.raises(InvalidOption, match="use one of critical, high, normal, low"):
        app.job("work", priority=priority)(lambda: None)  # type: ignore[arg-type]
