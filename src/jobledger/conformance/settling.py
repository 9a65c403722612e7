"""Settling: one outcome for each attempt, from the one that owns it, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from jobledger._core import catalog
from jobledger._core.commands import Count, Release, Report, UserDelta
from jobledger._core.decide import Refused
from jobledger._core.job import EventName, Lane, Status
from jobledger._core.outcome import Cancel, Fail, Failed, Retry
from jobledger._types import SECOND
from jobledger.conformance.driver import refusal

if TYPE_CHECKING:
    from jobledger._core.commands import Running
    from jobledger._core.outcome import Outcome
    from jobledger.conformance.driver import Driver

SENT = UserDelta("mails_sent_total", "counter", (("template", "welcome"),), 3_000_000)


def users_own(driver: Driver) -> dict[str, int]:
    """The users' own counters by name."""
    read = driver.store.ledger()
    names = {series.number: series.name for series in read.user_series}
    return {names[key.number]: value for key, value in read.cells.items() if key.number in names}


class TestSettling:
    """What an attempt comes to."""

    def test_done_completes_the_job_with_its_result(self, driver: Driver) -> None:
        """Row, history and books in one commit."""
        job_id = driver.submit()
        driver.clock.advance(SECOND)
        job = driver.settle(driver.start_one(), elapsed=250_000, result=b'{"n":1}')
        assert (job.status, job.result, job.ended_at, job.writer_id) == (
            Status.COMPLETE,
            b'{"n":1}',
            driver.clock.at,
            None,
        )
        event = driver.record(job_id).history[-1]
        assert (event.name, event.at, event.run, event.micros) == (EventName.COMPLETED, driver.clock.at, 1, 250_000)
        assert event.writer_id == driver.worker.writer_id
        assert [driver.value(one) for one in (catalog.COMPLETIONS, catalog.RUNNING, catalog.QUEUE_DEPTH)] == [1, 0, 0]

    def test_a_handler_may_cancel_its_own_job(self, driver: Driver) -> None:
        """An outcome like the others."""
        job_id = driver.submit()
        driver.settle(driver.start_one(), Cancel("not wanted"))
        assert (driver.status(job_id), driver.job(job_id).error) == (Status.CANCELLED, "not wanted")
        assert driver.value(catalog.CANCELLATIONS) == 1

    def test_settle_and_claim_share_a_commit(self, driver: Driver) -> None:
        """A batch first settles, then starts."""
        first, second = driver.submit_many(2)
        job = driver.start_one()
        committed = driver.worker.send(driver.settling(job), claim=driver.worker.asks(1))
        assert driver.status(first) is Status.COMPLETE
        assert [claimed.job.id for claimed in committed.claimed] == [second]

    def test_a_release_costs_nothing(self, driver: Driver) -> None:
        """The job goes back to where it was, attempts and all."""
        first, _ = driver.submit_many(2)
        driver.clock.advance(SECOND)
        job = driver.release(driver.start_one())
        assert (job.lane, job.failures, job.losses, job.eligible_at) == (Lane.READY, 0, 0, driver.clock.at)
        again = driver.start_one()
        assert (again.id, again.run, again.attempt) == (first, 2, 1)
        assert (driver.value(catalog.RELEASED), driver.value(catalog.FAILURES)) == (1, 0)
        assert EventName.RELEASED in driver.story(first)

    def test_a_release_keeps_its_entity_in_order(self, driver: Driver) -> None:
        """The mailbox stays held."""
        first, second = driver.submit_many(2, entity="e")
        driver.release(driver.start_one())
        assert [driver.settle(driver.start_one()).id for _ in range(2)] == [first, second]

    def test_progress_is_seen_while_it_runs_and_gone_at_the_next_start(self, driver: Driver) -> None:
        """A report is no transition: history doesn't keep it."""
        job_id = driver.submit()
        driver.report(driver.start_one(), 12.5, "half of a quarter")
        job = driver.job(job_id)
        assert job.progress is not None
        assert (job.progress.percent, job.progress.message, job.progress.at) == (
            12.5,
            "half of a quarter",
            driver.clock.at,
        )
        assert driver.story(job_id) == [EventName.SUBMITTED, EventName.STARTED]
        driver.release(job)
        assert driver.start_one().progress is None

    def test_the_last_progress_stays_with_an_ended_job(self, driver: Driver) -> None:
        """It says how far the last attempt came."""
        driver.submit()
        job = driver.report(driver.start_one(), 80)
        assert driver.settle(job).progress == job.progress


class TestStaleness:
    """An attempt that doesn't own its job any more changes nothing."""

    @pytest.mark.parametrize("what", ["settle", "fail", "release", "report"])
    @pytest.mark.parametrize("why", ["an older run", "another writer", "an ended job"])
    def test_what_comes_too_late_is_refused_and_counted(self, driver: Driver, what: str, why: str) -> None:
        """Refused as stale; only the count of stale settlements moves."""
        job_id = driver.submit()
        job = driver.start_one()
        if why == "an ended job":
            driver.settle(job)
        else:
            driver.release(job)
            job = replace(
                driver.start_one(), **({"run": 1} if why == "an older run" else {"writer_id": driver.client.writer_id})
            )
        owner = (job.id, job.key, job.run, job.writer_id or 0)
        late: dict[str, Running] = {
            "settle": driver.settling(job, children=(driver.new(),), metrics=(SENT,)),
            "fail": driver.settling(job, Failed("late")),
            "release": Release(*owner),
            "report": Report(*owner, 50.0, "late"),
        }
        before, counted = driver.record(job_id), driver.store.ledger().cells
        assert refusal(driver.ask(late[what])).why is Refused.STALE
        assert driver.record(job_id) == before
        after = driver.store.ledger().cells
        assert {key.number for key in after if after[key] != counted.get(key)} == {catalog.STALE.number}
        assert driver.value(catalog.STALE) == 1

    def test_a_resent_settlement_is_stale(self, driver: Driver) -> None:
        """Each attempt has exactly one outcome, the first."""
        job_id = driver.submit()
        job = driver.start_one()
        driver.settle(job, result=b"1")
        assert refusal(driver.worker.send(driver.settling(job, result=b"2")).answers[0]).why is Refused.STALE
        assert (driver.job(job_id).result, driver.value(catalog.COMPLETIONS)) == (b"1", 1)

    def test_a_settlement_of_an_unknown_job_is_refused(self, driver: Driver) -> None:
        """It may have been pruned."""
        driver.submit()
        job = driver.start_one()
        ghost = driver.settling(replace(job, key=job.key + 1_000))
        assert refusal(driver.ask(ghost)).why is Refused.NOT_FOUND


FAILING: list[Outcome] = [Failed("x"), Retry(after=1), Fail("x"), Cancel()]


class TestWhatACompletionCarries:
    """Children and the handler's own counts commit with the completion, and with nothing else."""

    def test_children_are_submitted_with_the_completion(self, driver: Driver) -> None:
        """In their order."""
        driver.submit()
        children = (driver.new(), driver.new(entity="e"), driver.new(delay=SECOND))
        driver.settle(driver.start_one(), children=children)
        assert [driver.job(child.id).lane for child in children] == [Lane.READY, Lane.READY, Lane.SCHEDULED]
        assert driver.value(catalog.ENQUEUED) == 4

    @pytest.mark.parametrize("outcome", FAILING, ids=lambda outcome: type(outcome).__name__)
    def test_any_other_outcome_drops_them(self, driver: Driver, outcome: Outcome) -> None:
        """A retried attempt submits its children again, and counts again."""
        driver.submit()
        child = driver.new()
        driver.settle(driver.start_one(), outcome, children=(child,), metrics=(SENT,))
        assert driver.store.record(child.id) is None
        assert users_own(driver) == {}

    def test_a_childs_held_key_does_not_stop_the_completion(self, driver: Driver) -> None:
        """The child is a duplicate; the parent is done."""
        holder = driver.submit(dedupe="k", delay=SECOND)
        parent = driver.submit()
        driver.settle(driver.start_one(), children=(driver.new(dedupe="k"),))
        assert (driver.status(parent), driver.status(holder)) == (Status.COMPLETE, Status.QUEUED)
        assert driver.value(catalog.DEDUPLICATED) == 1

    def test_user_counts_commit_with_the_completion(self, driver: Driver) -> None:
        """Once, however many attempts there were."""
        driver.submit()
        driver.fail(driver.start_one(), jitter=0.0, metrics=(SENT,))
        driver.settle(driver.start_one(), metrics=(SENT, SENT))
        assert users_own(driver) == {"mails_sent_total": 6_000_000}

    def test_user_counts_go_through_the_door_outside_of_a_handler_too(self, driver: Driver) -> None:
        """A Count has no verdict."""
        assert driver.ask(Count((SENT,))) is None
        assert users_own(driver) == {"mails_sent_total": 3_000_000}
