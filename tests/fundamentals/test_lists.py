"""Jobs are listed in pages."""

from collections.abc import Callable

import pytest

from jobledger import App, Item
from jobledger.errors import InvalidOption, UnknownType


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_follow_each_other(app: App, newest_first: bool) -> None:
    """`next` of one page is `after` of the following one; each job is on exactly one of them."""
    async with app:
        await app.declare("mail")
        ids = await app.jobs.submit("mail", [{}] * 25)
        seen: list[str] = []
        sizes: list[int] = []
        after = None
        while True:
            page = await app.jobs.list(limit=10, after=after, newest_first=newest_first)
            seen += [job.id for job in page.jobs]
            sizes.append(len(page.jobs))
            after = page.next
            if after is None:
                break

    assert sizes == [10, 10, 5]
    assert seen == (ids[::-1] if newest_first else ids)


async def test_a_full_last_page_has_no_next(app: App) -> None:
    """No empty page comes behind it."""
    async with app:
        await app.declare("mail")
        await app.jobs.submit("mail", [{}] * 10)
        assert (await app.jobs.list(limit=10)).next is None


async def test_filters_can_be_combined(app: App) -> None:
    """By status, type, entity and batch."""
    async with app:
        await app.declare("mail")
        await app.declare("bill")
        ids = await app.jobs.submit("mail", [Item({}, entity="a"), Item({}, entity="b"), {}], batch="today")
        bill = await app.jobs.submit("bill", entity="a")
        await app.jobs.cancel(ids[0])

        async def listed(**where: str) -> set[str]:
            return {job.id for job in (await app.jobs.list(**where)).jobs}  # type: ignore[arg-type]

        assert await listed() == {*ids, bill}
        assert await listed(type="mail") == await listed(batch="today") == set(ids)
        assert await listed(entity="a") == {ids[0], bill}
        assert await listed(entity="a", type="mail") == await listed(status="cancelled") == {ids[0]}
        assert await listed(entity="a", status="queued") == {bill}
        assert await listed(batch="today", status="queued") == {*ids[1:]}
        assert await listed(entity="nobody") == set()


async def test_a_summary_says_how_a_job_is(app: App) -> None:
    """What lists show; `status(id)` knows the rest."""
    async with app:
        await app.declare("mail", priority="low", max_attempts=4)
        await app.jobs.submit("mail", entity="a", batch="today")
        (job,) = (await app.jobs.list()).jobs

    assert (job.type, job.status, job.entity, job.priority, job.batch) == ("mail", "queued", "a", "low", "today")
    assert (job.attempt, job.max_attempts, job.losses, job.ended, job.cancel_requested) == (1, 4, 0, False, False)


async def test_filters_are_checked(app: App) -> None:
    """A wrong filter is an error, not an empty page."""
    async with app:
        await app.declare("mail")
        with pytest.raises(InvalidOption, match="unknown status 'done': use one of queued, processing"):
            await app.jobs.list(status="done")
        with pytest.raises(UnknownType, match="Did you mean 'mail'"):
            await app.jobs.list(type="mall")


async def test_types_of_other_processes_have_names(new_app: Callable[[], App]) -> None:
    """Also those that were declared after this process had looked."""
    here, elsewhere = new_app(), new_app()
    async with here, elsewhere:
        await elsewhere.declare("mail")
        await elsewhere.jobs.submit("mail")
        (job,) = (await here.jobs.list()).jobs

    assert job.type == "mail"
