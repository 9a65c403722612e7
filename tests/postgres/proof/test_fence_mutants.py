"""The fence, the order of a takeover, the rule of counting: each stands, and without it the same story notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from jobledger._core import commands as c
from jobledger._store.contract import Batch
from jobledger.errors import Fenced, StoreError
from tests.postgres.proof import mutants
from tests.postgres.proof.gates import House
from tests.postgres.proof.schema import SOUND, Edit, Mutant

if TYPE_CHECKING:
    from collections.abc import Callable

_STARTED: Final = (
    "UNION ALL SELECT 12, s.type_id, s.priority, 0, count(*) FROM started s GROUP BY s.type_id, s.priority"
)
_PICKED: Final = """UNION ALL SELECT 12, j.type_id, j.priority, 0, count(*) FROM {schema}.job j
        WHERE j.key = ANY (p_keys) GROUP BY j.type_id, j.priority"""
COUNT_PICKED: Final = Mutant("what is counted is what was changed", (Edit(_STARTED, _PICKED),))


def a_dead_writer_sends_a_batch(house: House) -> None:
    zombie = house.enlist()
    house.store(house.client).take_over((zombie.writer_id,))
    with pytest.raises(Fenced):
        zombie.send(submit(house))
    assert house.findings() == []
    assert house.lane("late") == "none"


def a_batch_is_sent_twice(house: House) -> None:
    batch = house.client.batch(c.Count(()))
    store = house.store(house.client)
    store.commit(batch)
    with pytest.raises(Fenced):
        store.commit(batch)


def a_clone_of_a_writer_goes_on(house: House) -> None:
    number = house.client.number
    house.client.send(c.Count(()))
    with pytest.raises(Fenced):
        house.store(house.client).commit(Batch(house.client.writer_id, number + 1, (submit(house),)))
    assert house.lane("late") == "none"


def a_zombie_claims_in_the_middle_of_its_takeover(house: House) -> None:
    zombie, taker = house.enlist(), house.enlist("client")
    first, second = house.arrivals(0, 0, entity=None)
    (job,) = house.start(zombie)
    assert job.id == first
    house.until_due(house.later(100))  # so that a takeover has something to promote
    house.shut("promoted")
    house.stops_at(taker, "promoted")
    taking = house.beside(lambda: house.store(taker).take_over((zombie.writer_id,)))
    house.until_stopped(taker)  # what was running is about to be put back
    claiming = house.beside(lambda: house.start(zombie))
    house.until_blocked_or_done(zombie, claiming)
    house.let_on("promoted")
    (taken,) = taking.result()
    with pytest.raises(Fenced):
        claiming.result()
    assert taken.jobs == (first,)
    assert house.lane(second) == "ready"
    assert house.findings() == []


def two_jobs_of_an_entity_are_picked(house: House) -> None:
    worker = house.enlist()
    house.arrivals(0, 0)
    assert len(house.start(worker, 2)) == 1
    assert house.findings() == []


def submit(house: House) -> c.Submit:
    return c.Submit("late", house.types[0], b"{}", 2)


NOTICED: Final = (AssertionError, pytest.fail.Exception, StoreError)
STORIES: Final[dict[Callable[[House], None], tuple[Mutant, ...]]] = {
    a_dead_writer_sends_a_batch: (mutants.NO_FENCE, mutants.FENCE_THE_LIVING),
    a_batch_is_sent_twice: (mutants.FENCE_ANY_NUMBER,),
    a_clone_of_a_writer_goes_on: (mutants.FENCE_ANY_NUMBER,),
    a_zombie_claims_in_the_middle_of_its_takeover: (mutants.REQUEUE_FIRST,),
    two_jobs_of_an_entity_are_picked: (COUNT_PICKED,),
}


@pytest.mark.parametrize("story", STORIES)
def test_the_rules_hold(postgres_database: str, story: Callable[[House], None]) -> None:
    with House(postgres_database, SOUND) as house:
        story(house)


@pytest.mark.unaudited("a rule is missing in it, on purpose")
@pytest.mark.parametrize(("story", "mutant"), [(story, mutant) for story, those in STORIES.items() for mutant in those])
def test_a_missing_rule_is_noticed(postgres_database: str, story: Callable[[House], None], mutant: Mutant) -> None:
    with House(postgres_database, mutant) as house, pytest.raises(NOTICED):
        story(house)
