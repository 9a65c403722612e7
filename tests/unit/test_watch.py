"""Silence is counted by one who was awake himself."""

from __future__ import annotations

from jobledger._runtime.watch import Watch
from jobledger._store.contract import Vital
from jobledger._types import SECOND

LEASE = 10


def vital(writer_id: int, beat: int, lease: int = LEASE) -> Vital:
    return Vital(writer_id, "worker", "host", 1, lease * SECOND, beat, ended=False)


def test_a_worker_that_beats_is_never_silent() -> None:
    watch = Watch(1)
    assert all(watch.silent([vital(1, beat=at // 3)], at) == () for at in range(100))


def test_a_worker_is_silent_after_its_lease() -> None:
    watch = Watch(1)
    found = [at for at in range(15) if watch.silent([vital(1, beat=7)], at) == (1,)]
    assert found[0] == LEASE


def test_each_by_its_own_lease() -> None:
    watch = Watch(1)
    found: dict[int, int] = {}
    for at in range(30):
        for writer_id in watch.silent([vital(1, 7, lease=5), vital(2, 7, lease=20)], at):
            found.setdefault(writer_id, at)
    assert found == {1: 5, 2: 20}


def test_who_has_no_lease_may_be_silent_for_ever() -> None:
    watch = Watch(1)
    assert all(watch.silent([vital(1, 7, lease=0)], at) == () for at in range(100))


def test_time_in_which_the_taker_was_stopped_is_not_silence() -> None:
    """All were stopped for a minute; they beat again as soon as they can, but the taker looks first."""
    watch = Watch(1)
    for at in range(3):
        assert watch.silent([vital(1, beat=1)], at) == ()
    assert watch.silent([vital(1, beat=1)], 62) == ()
    assert watch.silent([vital(1, beat=2)], 63) == ()
    assert all(watch.silent([vital(1, beat=2)], at) == () for at in range(64, 73))
    assert watch.silent([vital(1, beat=2)], 73) == (1,)


def test_who_was_stopped_alone_is_found_by_the_others() -> None:
    """A taker that was stopped meanwhile takes longer, and no more than that."""
    watch = Watch(1)
    watch.silent([vital(1, beat=1)], 0)
    watch.silent([vital(1, beat=1)], 1)
    watch.silent([vital(1, beat=1)], 100)
    found = [at for at in range(101, 120) if watch.silent([vital(1, beat=1)], at)]
    assert found[0] == 108


def test_a_stop_counts_for_no_more_than_one_look_in_time() -> None:
    """With a short lease, too: who was silent for half of it before all were stopped has the other half left."""
    watch = Watch(0.5)
    found = [at for at in (0, 0.5, 1, 20, 20.5) if watch.silent([vital(1, beat=1, lease=2)], at)]
    assert found == [20.5]


def test_the_way_of_an_answer_is_no_silence() -> None:
    """The worker may have beaten right after its last beat was read, and the answer came late."""
    watch = Watch(1)
    looks = ((0, 0), (1.5, 1.5), (2.9, 3.1), (3.1, 3.1))
    assert [watch.silent([vital(1, beat=1, lease=3)], *look) for look in looks] == [(), (), (), (1,)]


def test_a_beat_is_no_older_than_the_answer_that_shows_it() -> None:
    watch = Watch(1)
    looks = ((0, 0.9), (1.5, 1.5), (3, 3), (3.8, 3.8), (3.9, 3.9))
    assert [watch.silent([vital(1, beat=1, lease=3)], *look) for look in looks] == [(), (), (), (), (1,)]


def test_a_new_writer_starts_with_its_whole_lease() -> None:
    watch = Watch(1)
    for at in range(50):
        watch.silent([], at)
    assert all(watch.silent([vital(2, beat=5)], at) == () for at in range(50, 60))
    assert watch.silent([vital(2, beat=5)], 60) == (2,)


def test_who_came_back_is_forgotten() -> None:
    """Its number is never used again, so nothing is kept of it."""
    watch = Watch(1)
    watch.silent([vital(1, beat=5)], 0)
    watch.silent([], 1)
    assert watch._seen == {}
