"""Commits of unknown outcome: what happened is read back, and what didn't is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobledger._core import catalog, commands
from jobledger._core.decide import Change, Refusal, Refused
from jobledger._core.job import Status
from jobledger._core.outcome import Failed
from jobledger._store.contract import Batch
from jobledger.conformance.driver import change, refusal
from jobledger.errors import Fenced

if TYPE_CHECKING:
    from jobledger._store.contract import Answer, Committed
    from jobledger.conformance.driver import Driver


def lose_the_answer(driver: Driver, batch: Batch) -> Committed:
    """Commit a batch, forget what came back, and recall it."""
    driver.store.commit(batch)
    recalled = driver.store.recall(batch)
    assert recalled is not None
    return recalled


class TestRecalling:
    """After a lost answer."""

    def test_a_batch_that_did_not_happen_is_sent_again(self, driver: Driver) -> None:
        """None says so; and the same batch is still good."""
        batch = driver.client.batch(driver.new())
        assert driver.store.recall(batch) is None
        assert isinstance(driver.store.commit(batch).answers[0], Change)

    def test_a_recalled_batch_is_not_applied_again(self, driver: Driver) -> None:
        """Recall only reads."""
        batch = driver.client.batch(driver.new())
        lose_the_answer(driver, batch)
        lost = driver.store.recall(batch)
        assert lost is not None
        assert (len(lost.answers), driver.value(catalog.ENQUEUED)) == (1, 1)

    def test_the_claims_come_back_by_writer(self, driver: Driver) -> None:
        """With their payloads, in the order in which they started."""
        driver.submit_many(3)
        batch = driver.worker.batch(claim=driver.worker.asks(3))
        claimed = driver.store.commit(batch).claimed
        recalled = driver.store.recall(batch)
        assert recalled is not None
        assert recalled.claimed == claimed
        assert len(recalled.strides) == 1

    def test_the_claims_of_others_do_not(self, driver: Driver) -> None:
        """Each writer has its own."""
        driver.submit_many(2)
        driver.start_one()
        other = driver.enlist()
        recalled = lose_the_answer(driver, other.batch(claim=other.asks(1)))
        assert [claimed.job.writer_id for claimed in recalled.claimed] == [other.writer_id]

    def test_submits_come_back_accepted(self, driver: Driver) -> None:
        """Alone and in a batch."""
        one, two, three = driver.new(), driver.new(), driver.new()
        recalled = lose_the_answer(driver, driver.client.batch(one, commands.SubmitAll((two, three))))
        assert change(recalled.answers[0]).job.id == one.id
        many = recalled.answers[1]
        assert isinstance(many, tuple)
        assert [change(answer).job.id for answer in many] == [two.id, three.id]

    def test_a_duplicate_comes_back_as_one(self, driver: Driver) -> None:
        """With the holder's id."""
        holder = driver.submit(dedupe="k")
        recalled = lose_the_answer(driver, driver.client.batch(driver.new(dedupe="k")))
        answer = refusal(recalled.answers[0])
        assert (answer.why, answer.job_id) == (Refused.DUPLICATE, holder)

    def test_a_settlement_comes_back_with_the_job_as_it_is(self, driver: Driver) -> None:
        """Done, failed, released or reported."""
        driver.submit_many(4)
        done, failing, released, reporting = driver.start(4)
        batch = driver.worker.batch(
            driver.settling(done),
            driver.settling(failing, Failed("x")),
            commands.Release(released.id, released.key, released.run, driver.worker.writer_id),
            commands.Report(reporting.id, reporting.key, reporting.run, driver.worker.writer_id, 50.0, ""),
        )
        recalled = lose_the_answer(driver, batch)
        assert [change(answer).job for answer in recalled.answers] == [
            driver.job(job.id) for job in (done, failing, released, reporting)
        ]

    def test_a_count_comes_back_as_nothing(self, driver: Driver) -> None:
        """It has no verdict."""
        assert lose_the_answer(driver, driver.client.batch(commands.Count(()))).answers == (None,)

    def test_commands_on_jobs_come_back_as_they_went(self, driver: Driver) -> None:
        """Cancelled, requested, discarded, replayed; refused where the job shows it."""
        queued, ended = driver.submit(), driver.submit(driver.bill)
        driver.settle(driver.start(1, types=(driver.bill,))[0])
        running = driver.submit(driver.bill)
        driver.start(1, types=(driver.bill,))
        dead, gone = (driver.submit(driver.bill, max_attempts=1) for _ in range(2))
        for job in driver.start(2, types=(driver.bill,)):
            driver.fail(job)
        batch = driver.client.batch(
            commands.Cancel(queued), commands.Cancel(running), commands.Cancel(ended), commands.Cancel("nobody"),
            commands.Replay(dead), commands.Discard(gone), commands.Discard(ended),
        )  # fmt: skip
        sent = driver.store.commit(batch)
        recalled = driver.store.recall(batch)
        assert recalled is not None
        assert [shape(answer) for answer in recalled.answers] == [shape(answer) for answer in sent.answers]

    def test_what_the_row_can_not_tell_is_unknown(self, driver: Driver) -> None:
        """Replayed and ended again, or never replayed: nobody can say, and nobody does."""
        dead = driver.dead_letter()
        batch = driver.worker.batch(commands.Replay(dead))
        driver.store.commit(batch)
        other = driver.enlist()
        driver.fail(driver.start_one(other))
        recalled = driver.store.recall(batch)
        assert recalled is not None
        answer = refusal(recalled.answers[0])
        assert (answer.why, driver.status(dead)) == (Refused.UNKNOWN, Status.FAILED)

    def test_a_writer_that_went_on_can_not_recall(self, driver: Driver) -> None:
        """Only its last batch is in doubt."""
        batch = driver.client.batch(driver.new())
        driver.client.send()
        driver.client.send()
        with pytest.raises(Fenced):
            driver.store.recall(batch)

    def test_an_unknown_writer_can_not_recall(self, driver: Driver) -> None:
        """Nobody knows any more what its batch came to."""
        with pytest.raises(Fenced):
            driver.store.recall(Batch(driver.enlist().writer_id + 1_000, 1))

    def test_what_was_applied_is_recalled_after_a_takeover_too(self, driver: Driver) -> None:
        """The row keeps its last number; only the claims are elsewhere by now."""
        writer = driver.enlist()
        sent = driver.new()
        batch = writer.batch(sent)
        driver.store.commit(batch)
        driver.store.take_over((writer.writer_id,))
        recalled = driver.store.recall(batch)
        assert recalled is not None
        assert (recalled.claimed, driver.status(sent.id)) == ((), Status.QUEUED)

    @pytest.mark.parametrize("how", ["taken over", "retired"])
    def test_what_was_not_applied_is_sent_again_and_fenced(self, driver: Driver, how: str) -> None:
        """A dead writer's batch that never arrived was not applied, and never will be."""
        writer = driver.enlist()
        batch = writer.batch(driver.new())
        driver.store.take_over((writer.writer_id,)) if how == "taken over" else driver.store.retire(writer.writer_id)
        assert driver.store.recall(batch) is None
        with pytest.raises(Fenced):
            driver.store.commit(batch)


def shape(answer: Answer) -> tuple[str, object]:
    """What matters of an answer: who won, and how the job is."""
    match answer:
        case Change():
            return "change", answer.job
        case Refusal():
            return answer.why, answer.job
        case _:
            return "other", answer
