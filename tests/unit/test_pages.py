"""Cursors and limits of a list."""

from typing import Any

import pytest

from jobledger import App
from jobledger.errors import InvalidOption


@pytest.fixture
async def full(app: App) -> Any:
    async with app:
        await app.declare("mail")
        await app.jobs.submit("mail", [{}] * 5)
        yield app


@pytest.mark.parametrize("limit", [0, -1, 1001, 2.5, "5", None, True])
async def test_limits(full: App, limit: Any) -> None:
    with pytest.raises(InvalidOption, match="limit must be a whole number from 1 to 1,000, not"):
        await full.jobs.list(limit=limit)


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "1" * 30, 5, "²"])
async def test_cursors_that_are_not_ours(full: App, after: Any) -> None:
    with pytest.raises(InvalidOption, match="after must be the `next` of an earlier page"):
        await full.jobs.list(after=after)


async def test_a_cursor_stays_good_while_jobs_come(full: App) -> None:
    """Oldest first: what comes later is on a later page, and nothing is shown twice."""
    first = await full.jobs.list(limit=2, newest_first=False)
    await full.jobs.submit("mail", [{}] * 2)
    rest = await full.jobs.list(limit=1000, after=first.next, newest_first=False)
    assert len({job.id for job in (*first.jobs, *rest.jobs)}) == 7


@pytest.mark.parametrize("where", [{}, {"entity": "a"}, {"batch": "b"}, {"status": "failed"}, {"status": "queued"}])
@pytest.mark.parametrize("newest_first", [True, False])
async def test_every_filter_has_pages(app: App, where: dict[str, Any], newest_first: bool) -> None:
    """Whichever index serves it, the pages are the list."""

    @app.job("mail", max_attempts=1)
    async def mail() -> None:
        raise OSError

    async with app:
        for entity, batch in (("a", "b"), ("a", None), (None, "b"), (None, None)) * 3:
            await app.jobs.submit("mail", entity=entity, batch=batch)
        async with app.worker():
            for job in (await app.jobs.list(limit=4, newest_first=False)).jobs:
                await app.jobs.cancel(job.id, wait=5)
        whole = await app.jobs.list(limit=1000, newest_first=newest_first, **where)
        paged: list[str] = []
        after: str | None = None
        while True:
            page = await app.jobs.list(limit=2, after=after, newest_first=newest_first, **where)
            paged += [job.id for job in page.jobs]
            if (after := page.next) is None:
                break
        assert paged == [job.id for job in whole.jobs]
