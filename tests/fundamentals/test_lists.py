"""Jobs are listed in pages."""

from collections.abc import Callable
from typing import Any

import pytest

from jobledger import App, Fail, Item, Status
from jobledger._store.postgres import lists as postgres
from jobledger._store.sqlite import lists as sqlite
from jobledger.errors import InvalidOption, UnknownType
from tests.waiting import until


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


async def test_a_filter_takes_several_words(app: App) -> None:
    """A job has one of them; filters of different kinds narrow each other."""
    async with app:
        await app.declare("mail")
        await app.declare("bill")
        mail, bill = await app.jobs.submit("mail", entity="a"), await app.jobs.submit("bill", entity="a")
        later = await app.jobs.submit("bill", delay=60)
        await app.jobs.cancel(mail)

        async def listed(**where: Any) -> list[str]:
            return [job.id for job in (await app.jobs.list(newest_first=False, **where)).jobs]

        assert await listed(type=["mail", "bill"]) == [mail, bill, later]
        assert await listed(type=["mail", "bill"], status="queued") == [bill, later]
        assert await listed(status=["queued", "cancelled"], entity="a") == [mail, bill]
        assert await listed(status="queued", lane="scheduled") == await listed(lane="scheduled") == [later]
        assert await listed(lane=["ready", "scheduled"]) == [bill, later]
        with pytest.raises(UnknownType, match="bil"):
            await app.jobs.list(type=["mail", "bil"])


async def test_jobs_of_a_time(app: App) -> None:
    """When they were submitted, and when they ended: from an instant on, up to another one."""
    async with app:
        await app.declare("mail")
        first = await app.jobs.submit("mail")
        await app.jobs.cancel(first)
        second = await app.jobs.submit("mail")
        began, ended = (await app.jobs.status(first)).submitted_at, (await app.jobs.status(first)).ended_at
        after = (await app.jobs.status(second)).submitted_at

        async def listed(**where: Any) -> list[str]:
            return [job.id for job in (await app.jobs.list(newest_first=False, **where)).jobs]

        assert began < after
        assert await listed(submitted_since=began) == [first, second]
        assert await listed(submitted_since=after) == [second]
        assert await listed(submitted_until=after) == await listed(ended_since=ended) == [first]
        assert await listed(submitted_until=began) == await listed(ended_until=ended) == []


async def test_jobs_that_failed_for_a_reason(app: App) -> None:
    """As their status names it."""

    @app.job("mail", max_attempts=1)
    async def mail(*, good: bool) -> Fail | None:
        return None if good else Fail("never")

    async with app.worker():
        good, bad = await app.jobs.submit("mail", [{"good": True}, {"good": False}])
        await mail.result(good, wait=10)
        await until(lambda: _is_dead(app, bad), "it is a dead letter")
        reason = (await app.jobs.status(bad)).reason
        assert [job.id for job in (await app.jobs.list(reason=reason)).jobs] == [bad]


async def _is_dead(app: App, job_id: str) -> bool:
    return (await app.jobs.status(job_id)).status is Status.FAILED


async def test_a_page_may_be_short_and_still_have_a_next(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that few jobs pass looks at some jobs a call; who goes on until the end finds them all."""
    for lists in (postgres, sqlite):
        monkeypatch.setattr(lists, "GLANCE", 1)
        monkeypatch.setattr(lists, "SLICE", 2)
    async with app:
        await app.declare("mail")
        await app.declare("rare")
        rare = await app.jobs.submit("rare")
        await app.jobs.submit("mail", [{}] * 100)
        found: list[str] = []
        pages = 1
        page = await app.jobs.list(type="rare")
        assert (page.jobs, page.next is None) == ((), False)
        while page.next is not None:
            page = await app.jobs.list(type="rare", after=page.next)
            pages += 1
            found += [job.id for job in page.jobs]

    assert (found, pages) == ([rare], 4)


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
