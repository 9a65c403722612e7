"""Races that chance rarely meets, put on stage: each rule stands, and without it the same story ends badly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from jobledger._core import commands as c
from jobledger._core.outcome import Done, Failed
from jobledger._store.contract import Batch
from jobledger.errors import Fenced, StoreError
from tests.postgres.proof import mutants
from tests.postgres.proof.gates import House
from tests.postgres.proof.schema import SOUND, Edit, Mutant

if TYPE_CHECKING:
    from collections.abc import Callable

_EXIT: Final = "        EXIT WHEN cardinality(v_done.o_keys) = cardinality(v_heads);\n"
NO_LOOP: Final = Mutant("a hand-over loops until what it saw was taken", (Edit(_EXIT, "        EXIT;\n"),))
_FREE: Final = "    v_free := p_claim.slots;\n"
EARLY_DELETE: Final = Mutant(
    "mailboxes are deleted last", (Edit(_FREE, "    PERFORM drop_mailboxes(p_freed);\n" + _FREE),)
)

WAITING: Final = Mutant(
    "whoever has rows locked waits for none",
    statements=(("load_jobs", Edit("FOR UPDATE SKIP LOCKED", "FOR UPDATE")),),
)


def with_fence_off(mutant: Mutant) -> Mutant:
    return Mutant(mutant.rule, (*mutants.NO_FENCE.edits, *mutant.edits))


def the_head_is_cancelled_between_look_and_update(house: House) -> None:
    worker = house.enlist()
    first, second, third = house.arrivals(0, 0, 0)
    house.shut("written")
    house.stops_at(house.client, "written")
    cancelling = house.beside(lambda: house.client.send(c.Cancel(second)))
    house.until_stopped(house.client)  # it has the next head; there was no mailbox yet that it could have locked
    (job,) = house.start(worker)
    assert (job.id, house.lane(second), house.lane(third)) == (first, "arrived", "parked")
    settling = house.beside(lambda: worker.send(house.settling(job, Done())))
    house.until_blocked(worker)
    house.let_on("written")
    cancelling.result()
    settling.result()
    assert (house.lane(second), house.lane(third)) == ("cancelled", "ready")
    assert house.findings() == []


def a_job_is_parked_while_its_mailbox_is_handed_over(house: House) -> None:
    settler, other = house.enlist(), house.enlist()
    house.arrivals(0)
    (job,) = house.start(settler)
    house.shut("written")
    house.stops_at(other, "written")
    child = c.Submit("child", house.types[0], b"{}", 2, entity="e")
    parking = house.beside(lambda: other.send(child))
    house.until_stopped(other)  # it has the mailbox, and nobody sees the job yet
    settling = house.beside(lambda: settler.send(house.settling(job, Done())))
    house.until_blocked(settler)
    house.let_on("written")
    parking.result()
    settling.result()
    assert house.lane("child") == "ready"
    assert house.findings() == []


def two_that_free_mailboxes_take_arrivals_of_each_other(house: House) -> None:
    workers = [house.enlist(types=(type_id,)) for type_id in house.types]
    house.arrivals(0, entity="a")
    house.arrivals(1, entity="b")
    jobs = [house.start(worker)[0] for worker in workers]
    house.shut("handed")
    sent = []
    for worker, job in zip(workers, jobs, strict=True):
        house.stops_at(worker, "handed")
        claim = worker.asks(1)
        sent.append(house.beside(lambda w=worker, j=job, a=claim: w.send(house.settling(j, Done()), claim=a)))  # type: ignore[misc]
        house.until_stopped(worker)
    late = [*house.arrivals(0, entity="b"), *house.arrivals(1, entity="a")]
    house.let_on("handed")
    for one in sent:
        one.result()
    assert house.findings() == []
    for worker in workers:
        house.start(worker)
    assert [house.lane(job_id) for job_id in late] == ["processing", "processing"]


def a_job_is_picked_that_a_hand_over_waits_for(house: House) -> None:
    settler, picker = (house.enlist(types=(type_id,)) for type_id in house.types)
    house.arrivals(0)
    (job,) = house.start(settler)
    (next_one,) = house.arrivals(1)
    house.shut("picked")
    house.stops_at(picker, "picked")
    picking = house.beside(lambda: house.start(picker))
    house.until_stopped(picker)
    settling = house.beside(lambda: settler.send(house.settling(job, Done())))
    house.until_blocked(settler)
    house.let_on("picked")
    assert picking.result() == []  # its mailbox is being handed over: to it, a moment later
    settling.result()
    assert house.lane(next_one) == "ready"
    assert house.findings() == []


def a_claim_meets_a_job_that_another_one_has(house: House) -> None:
    worker = house.enlist()
    (job_id,) = house.arrivals(0, entity=None)
    with house.holding(job_id):
        starting = house.beside(lambda: house.start(worker))
        house.until_blocked_or_done(worker, starting)
        assert starting.done()
    assert starting.result() == []
    assert [job.id for job in house.start(worker)] == [job_id]


def the_younger_arrives_while_the_older_is_picked(house: House) -> None:
    workers = [house.enlist(types=(type_id,)) for type_id in house.types]
    older, younger = house.arrivals(0, 1)
    house.shut("picked")
    house.stops_at(workers[0], "picked")
    picking = house.beside(lambda: house.start(workers[0]))
    house.until_stopped(workers[0])
    assert house.start(workers[1]) == []
    house.let_on("picked")
    assert [job.id for job in picking.result()] == [older]
    assert house.lane(younger) in {"arrived", "parked"}
    assert house.findings() == []


def a_cancel_is_asked_for_before_the_attempt_fails(house: House) -> None:
    worker = house.enlist()
    (job_id,) = house.arrivals(0)
    (job,) = house.start(worker)
    house.client.send(c.Cancel(job_id))
    worker.send(house.settling(job, Failed("boom")))
    assert house.lane(job_id) == "cancelled"
    assert house.findings() == []


def a_cancel_is_asked_for_before_the_attempt_is_done(house: House) -> None:
    worker = house.enlist()
    (job_id,) = house.arrivals(0)
    (job,) = house.start(worker)
    house.client.send(c.Cancel(job_id))
    worker.send(house.settling(job, Done()))
    assert house.lane(job_id) == "complete"
    assert house.findings() == []


def a_settlement_is_sent_again_when_the_job_runs_elsewhere(house: House) -> None:
    zombie, worker = house.enlist(), house.enlist()
    (job_id,) = house.arrivals(0)
    (job,) = house.start(zombie)
    store = house.store(zombie)
    memory = dict(store._committer._running)
    store.take_over((zombie.writer_id,))
    (again,) = house.start(worker)
    store._committer._running.update(memory)
    try:
        store.commit(Batch(zombie.writer_id, zombie.number + 1, (house.settling(job, Done()),)))
    except Fenced:
        pytest.fail("the fence is off in this story")
    assert (again.run, house.lane(job_id)) == (2, "processing")
    assert [finding for finding in house.findings() if "dead or unknown writer" not in finding] == []


def two_cancel_what_the_other_has_found_due(house: House) -> None:
    clerks = [house.client, house.enlist("client")]
    ids = [house.later(100), house.later(700)]
    house.shut("promoted")
    sent = []
    for clerk, due, wanted in zip(clerks, ids, reversed(ids), strict=True):
        house.until_due(due)
        house.stops_at(clerk, "promoted")
        sent.append(house.beside(lambda w=clerk, j=wanted: w.send(c.Cancel(j))))  # type: ignore[misc]
        house.until_waiting(clerk)
    house.let_on("promoted")
    for one in sent:
        one.result()
    assert [house.lane(job_id) for job_id in ids] == ["cancelled", "cancelled"]
    assert house.findings() == []


def a_takeover_meets_who_stops_its_jobs_in_another_order(house: House) -> None:
    worker, taker = house.enlist(), house.enlist("client")
    ids = house.arrivals(0, 1, entity=None)
    for types in reversed(house.types):
        worker.types = (types,)
        assert len(house.start(worker)) == 1
    with house.holding(ids[1]):
        taking = house.beside(lambda: house.store(taker).take_over((worker.writer_id,)))
        house.until_blocked(taker)
        asking = house.beside(lambda: house.client.send(*map(c.Cancel, ids)))
        house.until_blocked(house.client)
    taking.result()
    asking.result()
    assert house.findings() == []


def a_takeover_has_found_due_what_another_one_cancels(house: House) -> None:
    worker, taker = house.enlist(), house.enlist("client")
    (running,) = house.arrivals(0, entity=None)
    house.start(worker)
    due = house.later(100)
    house.until_due(due)
    house.shut("promoted")
    house.stops_at(taker, "promoted")
    taking = house.beside(lambda: house.store(taker).take_over((worker.writer_id,)))
    house.until_stopped(taker)
    asking = house.beside(lambda: house.client.send(c.Cancel(running), c.Cancel(due)))
    house.until_blocked(house.client)
    house.let_on("promoted")
    taking.result()
    asking.result()
    assert (house.lane(running), house.lane(due)) == ("cancelled", "cancelled")
    assert house.findings() == []


def a_head_and_a_running_job_are_cancelled_while_they_are_settled(house: House) -> None:
    worker = house.enlist()
    _, second = house.arrivals(0, 0)
    (unkeyed,) = house.arrivals(0, entity=None)
    house.shut("locked", "ended")
    house.stops_at(house.client, "locked")
    asking = house.beside(lambda: house.client.send(c.Cancel(second), c.Cancel(unkeyed)))
    house.until_stopped(house.client)  # there is no mailbox yet that it could have locked
    jobs = house.start(worker, 3)
    assert len(jobs) == 2
    house.stops_at(worker, "ended")
    settling = house.beside(lambda: worker.send(*(house.settling(job, Done()) for job in jobs)))
    house.until_stopped(worker)
    house.let_on("locked")
    house.until_blocked(house.client)
    house.let_on("ended")
    settling.result()
    asking.result()
    assert (house.lane(second), house.lane(unkeyed)) == ("cancelled", "complete")
    assert house.findings() == []


def two_fold_at_the_same_time(house: House) -> None:
    house.arrivals(0, 1, entity=None)
    with house.place.session() as first, house.place.session() as second:
        first.run(lambda s: s.fetch("BEGIN"))
        first.run(house.folds)
        second.run(lambda s: s.connection())
        folding = house.beside(lambda: second.run(house.folds))
        house.until_blocked_or_done(second, folding)
        first.run(lambda s: s.fetch("COMMIT"))
        folding.result()
    assert house.findings() == []


NOTICED: Final = (AssertionError, StoreError)
STORIES: Final[list[tuple[Callable[[House], None], Mutant, tuple[Mutant, ...]]]] = [
    (the_head_is_cancelled_between_look_and_update, SOUND, (NO_LOOP,)),
    (
        a_job_is_parked_while_its_mailbox_is_handed_over,
        SOUND,
        (mutants.LOOK_BEFORE_LOCK, mutants.LOCK_AND_LOOK),
    ),
    (two_cancel_what_the_other_has_found_due, SOUND, ()),
    (a_takeover_meets_who_stops_its_jobs_in_another_order, SOUND, ()),
    (a_takeover_has_found_due_what_another_one_cancels, SOUND, ()),
    (a_head_and_a_running_job_are_cancelled_while_they_are_settled, SOUND, (WAITING,)),
    (two_that_free_mailboxes_take_arrivals_of_each_other, SOUND, (EARLY_DELETE,)),
    (
        a_job_is_picked_that_a_hand_over_waits_for,
        SOUND,
        (mutants.UPDATED_MAILBOX, mutants.ARRIVALS_WAIT),
    ),
    (a_claim_meets_a_job_that_another_one_has, SOUND, (mutants.CLAIMS_WAIT,)),
    (the_younger_arrives_while_the_older_is_picked, SOUND, (mutants.NO_TRUE_HEAD,)),
    (two_fold_at_the_same_time, SOUND, (mutants.FOLD_TWICE,)),
    (a_cancel_is_asked_for_before_the_attempt_fails, SOUND, (mutants.SAVE_UNGUARDED,)),
    (a_cancel_is_asked_for_before_the_attempt_is_done, SOUND, (mutants.END_UNGUARDED,)),
    (
        a_settlement_is_sent_again_when_the_job_runs_elsewhere,
        with_fence_off(SOUND),
        (with_fence_off(mutants.END_UNGUARDED),),
    ),
]


spoiled = pytest.mark.unaudited("a rule is missing in it, on purpose")


@pytest.mark.parametrize(
    ("story", "sound"),
    [pytest.param(story, sound, marks=[] if sound is SOUND else [spoiled]) for story, sound, _ in STORIES],
)
def test_the_rules_hold(postgres_database: str, story: Callable[[House], None], sound: Mutant) -> None:
    with House(postgres_database, sound) as house:
        story(house)


@spoiled
@pytest.mark.parametrize(("story", "mutant"), [(story, mutant) for story, _, broken in STORIES for mutant in broken])
def test_a_missing_rule_is_noticed(postgres_database: str, story: Callable[[House], None], mutant: Mutant) -> None:
    with House(postgres_database, mutant) as house, pytest.raises(NOTICED):
        story(house)
