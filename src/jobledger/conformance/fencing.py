"""The fence: every batch is applied once, by a writer that may, or changes nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest
from msgspec.structs import replace

from jobledger._core import catalog, commands
from jobledger._core.decide import Refused
from jobledger._core.job import Status
from jobledger._core.outcome import Failed
from jobledger._store.contract import Batch
from jobledger.conformance.driver import refusal
from jobledger.errors import Fenced

if TYPE_CHECKING:
    from jobledger._core.commands import Command
    from jobledger.conformance.driver import Driver
    from jobledger.conformance.writer import Writer

Spoil: TypeAlias = Callable[["Driver", Batch], Batch]


def repeated(_: Driver, batch: Batch) -> Batch:
    """The number of the last batch again."""
    return replace(batch, number=batch.number - 1)


def ahead(_: Driver, batch: Batch) -> Batch:
    """A number too far: a batch is missing."""
    return replace(batch, number=batch.number + 1)


def unknown(_: Driver, batch: Batch) -> Batch:
    """A writer that never was."""
    return replace(batch, writer_id=batch.writer_id + 1_000)


def taken_over(driver: Driver, batch: Batch) -> Batch:
    """A writer that others hold for dead."""
    driver.store.take_over((batch.writer_id,))
    return batch


def retired(driver: Driver, batch: Batch) -> Batch:
    """A writer that has said good-bye."""
    driver.store.retire(batch.writer_id)
    return batch


SPOILS: Final[list[Spoil]] = [repeated, ahead, unknown, taken_over, retired]


def everything(driver: Driver, writer: Writer) -> tuple[Command, ...]:
    """One command of each kind, each of which would win."""
    driver.submit_many(9)
    mine = driver.start(4, writer)
    done, failing, released, reporting = mine
    dead, gone = driver.dead_letter(), driver.dead_letter()
    metric = commands.UserDelta("things_total", "counter", (), 1_000_000)
    return (
        driver.settling(done, children=(driver.new(),), metrics=(metric,)),
        driver.settling(failing, Failed("x")),
        commands.Release(released.id, released.key, released.run, writer.writer_id),
        commands.Report(reporting.id, reporting.key, reporting.run, writer.writer_id, 50.0, "half"),
        driver.new(entity="e", dedupe="k"),
        commands.SubmitAll((driver.new(), driver.new())),
        commands.Cancel(driver.submit()),
        commands.Replay(dead),
        commands.Discard(gone),
        commands.Count((metric,)),
    )


class TestFencing:
    """Whoever may not write, writes nothing: not a row, not a count, not the time."""

    @pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
    def test_a_refused_batch_leaves_everything_as_it_was(self, driver: Driver, spoil: Spoil) -> None:
        """Byte for byte."""
        writer = driver.enlist()
        idle = driver.enlist()
        sender = writer if spoil not in {taken_over, retired} else idle
        batch = spoil(driver, sender.batch(*everything(driver, writer), claim=writer.asks(3)))
        driver.clock.advance(1)
        before = driver.factory.dump()
        with pytest.raises(Fenced) as caught:
            driver.store.commit(batch)
        assert caught.value.writer_id == batch.writer_id
        assert driver.factory.dump() == before

    def test_a_batch_that_fails_half_way_leaves_everything_as_it_was(self, driver: Driver) -> None:
        """One that can't be stored takes all the others with it, and the number can be used again."""
        writer = driver.enlist()
        good = everything(driver, writer)
        bad = driver.new(payload="no bytes")  # type: ignore[arg-type]
        before = driver.factory.dump()
        with pytest.raises(Exception, match=r".") as caught:
            writer.send(*good, replace(bad, entity=b"\xff"))
        assert not isinstance(caught.value, Fenced)
        assert driver.factory.dump() == before
        assert len(writer.send(*good).answers) == len(good)

    def test_the_batch_of_a_zombie_is_refused(self, driver: Driver) -> None:
        """Its jobs belong to others; its result comes too late."""
        zombie = driver.enlist()
        job_id = driver.submit()
        job = driver.start_one(zombie)
        driver.lose(zombie)
        with pytest.raises(Fenced):
            zombie.send(driver.settling(job))
        assert driver.status(job_id) is Status.QUEUED
        assert driver.value(catalog.COMPLETIONS) == 0

    def test_of_two_copies_of_a_writer_one_goes_on(self, driver: Driver) -> None:
        """A fork, a clone or a restored snapshot is found out by its first batch."""
        original = driver.enlist()
        original.send(driver.new())
        stale = original.batch(driver.new())
        original.send(driver.new())
        with pytest.raises(Fenced):
            driver.store.commit(stale)
        original.send()

    def test_a_batch_that_was_applied_is_not_applied_again(self, driver: Driver) -> None:
        """However often it is sent."""
        batch = driver.client.batch(driver.new())
        driver.store.commit(batch)
        for _ in range(3):
            with pytest.raises(Fenced):
                driver.store.commit(batch)
        assert driver.value(catalog.ENQUEUED) == 1
        driver.client.number += 1
        driver.client.send()

    def test_a_refusal_inside_a_batch_is_no_fence(self, driver: Driver) -> None:
        """The rest of the batch is applied."""
        sent = driver.new()
        answers = driver.client.send(commands.Cancel("nobody"), sent, commands.Replay("nobody")).answers
        assert refusal(answers[0]).why is refusal(answers[2]).why is Refused.NOT_FOUND
        assert driver.status(sent.id) is Status.QUEUED

    def test_a_refused_claim_does_not_charge_the_stride(self, driver: Driver) -> None:
        """Who was next is still next."""
        driver.submit_many(3)
        asked = driver.worker.asks(3)
        (group,) = asked.groups
        before = group.stride.quotas(10, range(4))
        with pytest.raises(Fenced):
            driver.store.commit(Batch(driver.worker.writer_id, 99, (), asked))
        driver.store.commit(driver.worker.batch(claim=asked))
        driver.worker.number += 1
        assert group.stride.quotas(10, range(4)) == before

    def test_ids_of_writers_are_never_used_again(self, driver: Driver) -> None:
        """Not even when the newest is long gone."""
        seen = {driver.client.writer_id, driver.worker.writer_id}
        for _ in range(3):
            writer_id = driver.enlist().writer_id
            assert writer_id not in seen
            seen.add(writer_id)
            driver.store.retire(writer_id)
            driver.clock.advance(2 * 86_400_000_000)
            driver.store.prune(0, 1)
