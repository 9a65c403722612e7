"""The figures of an overview, on both stores, against what is known to have happened."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

import pytest

from jobledger._core.alerts import PREFIX
from jobledger._core.catalog import BOUNDARIES
from jobledger._core.samples import FINE
from jobledger._metrics.overview.watcher import Watcher
from jobledger._types import SECOND, micros
from jobledger.conformance.driver import Driver
from jobledger.errors import InvalidOption
from tests.postgres_place import PostgresPlace
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from jobledger._metrics.overview.figures import Overview, TypeFigures

pytestmark = pytest.mark.unaudited("stores of a driver, which audits itself at the end")
WAITS: Final = (0.0005, 0.004, 0.02, 0.02, 0.03, 0.2, 0.4, 0.8, 1.5, 7.0)
"""Seconds, in order."""
TOOK: Final = (0.01, 0.01, 0.05, 0.3, 0.3, 0.3, 2.0, 2.0, 20.0, 100_000.0)


@pytest.fixture(params=["sqlite", "postgres"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Driver]:
    if request.param == "sqlite":
        place: SqliteFile | PostgresPlace = SqliteFile(tmp_path / "jobs.db")
    else:
        place = PostgresPlace(request.getfixturevalue("postgres_schemas"))
    driver = Driver(place)
    yield driver
    driver.audit()
    driver.close()
    place.forget()


def looked(driver: Driver, watcher: Watcher | None = None) -> Overview:
    return (watcher or Watcher()).look(driver.open())


def of_type(seen: Overview, name: str) -> TypeFigures:
    return next(one for one in seen.types if one.type == name)


def sampled(driver: Driver, seconds: float, every: int = 20) -> None:
    """Let time pass, with a worker that samples now and then."""
    for _ in range(ceil(seconds / every)):
        driver.store.sample(None)
        driver.clock.advance(every * SECOND)


def do(driver: Driver, waits: Sequence[float], took: Sequence[float]) -> None:
    """Jobs that wait and take so long."""
    starts = driver.clock.at + micros(max(waits))
    for wait in sorted(waits, reverse=True):
        driver.clock.at = starts - micros(wait)
        driver.submit()
    driver.clock.at = starts
    for job, elapsed in zip(driver.start(slots=len(waits)), took, strict=True):
        driver.settle(job, elapsed=micros(elapsed))


def test_percentiles_of_known_observations(driver: Driver) -> None:
    """Of the last minute only, as histogram_quantile has them, and each in the bucket of the true one."""
    do(driver, [50.0] * 20, [50.0] * 20)
    sampled(driver, 120)
    do(driver, WAITS, TOOK)
    seen = looked(driver)
    assert 45 <= (seen.window or 0) <= 60 + FINE
    mail = of_type(seen, "mail")
    for spread, observed in ((mail.wait, WAITS), (mail.processing, TOOK)):
        assert spread is not None
        assert spread.count == len(observed)
        for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            assert getattr(spread, name) == pytest.approx(interpolated(observed, q))
            true = sorted(observed)[ceil(q * len(observed)) - 1]
            assert bucket(getattr(spread, name)) == min(bucket(true), len(BOUNDARIES) - 1)
    assert mail.wait is not None
    assert mail.wait.above == ()
    assert mail.processing is not None
    assert mail.processing.above == ("p95", "p99")
    assert mail.processing.p99 == BOUNDARIES[-1]
    assert seen.all.wait == mail.wait


def interpolated(observed: Sequence[float], q: float) -> float:
    """Written anew from Prometheus' description: a straight line through the bucket that holds the rank."""
    rank = q * len(observed)
    for at, upper in enumerate(BOUNDARIES):
        below = sum(one <= (BOUNDARIES[at - 1] if at else 0) for one in observed)
        inside = sum(one <= upper for one in observed) - below
        if inside and below + inside >= rank:
            lower = BOUNDARIES[at - 1] if at else 0.0
            return lower + (upper - lower) * (rank - below) / inside
    return BOUNDARIES[-1]


def bucket(value: float) -> int:
    return sum(bound < value for bound in BOUNDARIES)


def test_paces_and_depths(driver: Driver) -> None:
    sampled(driver, 90)
    driver.dead_letter()
    driver.submit_many(30)
    for job in driver.start(slots=12):
        driver.fail(job, jitter=1.0) if job.seq % 2 else driver.settle(job)
    driver.submit_many(3, entity="e")
    driver.submit(delay=3600 * SECOND)
    driver.start(slots=2)
    seen = looked(driver)
    mail, pace = of_type(seen, "mail"), of_type(seen, "mail").pace
    assert (mail.depth.ready, mail.depth.parked, mail.depth.running, mail.depth.dead) == (17, 2, 2, 1)
    assert mail.depth.delayed == 7
    assert pace is not None
    assert seen.window is not None
    assert {name: round(getattr(pace, name) * seen.window) for name in pace.__struct_fields__} == {
        "enqueued": 35, "completed": 6, "failed": 7, "retried": 6, "lost": 0, "dead_lettered": 1,
    }  # fmt: skip
    assert of_type(seen, "bill").pace == type(pace)(0, 0, 0, 0, 0, 0)
    assert seen.all.depth == mail.depth


def test_without_any_worker_there_is_no_past_but_ones_own(driver: Driver) -> None:
    """A first look can't tell a pace; a second one tells it since the first."""
    watcher = Watcher()
    driver.submit_many(4)
    first = looked(driver, watcher)
    assert (first.window, first.all.pace, first.all.wait) == (None, None, None)
    assert {one.alert.removeprefix(PREFIX) for one in first.not_judged} >= {
        "BooksStale",
        "FailureRatioHigh",
        "DlqGrowing",
    }
    driver.clock.advance(4 * SECOND)
    driver.submit_many(8)
    second = looked(driver, watcher)
    assert second.window == 4
    assert second.all.pace is not None
    assert second.all.pace.enqueued == 2
    driver.clock.advance(3600 * SECOND)
    assert looked(driver, watcher).window is None


def test_workers_ages_and_states(driver: Driver) -> None:
    watcher = Watcher()
    job_id = driver.submit(timeout=10 * SECOND)
    driver.clock.advance(5 * SECOND)
    assert of_type(looked(driver, watcher), "mail").oldest_ready == 5
    driver.start_one()
    driver.clock.advance(30 * SECOND)
    seen = looked(driver, watcher)
    assert (seen.live_workers, seen.slots, seen.busy) == (1, 100, 1)
    (worker,) = seen.workers
    assert worker.longest is not None
    assert (worker.state, worker.up, worker.running, worker.longest.job) == ("live", 35, 1, job_id)
    assert (worker.longest.seconds, worker.longest.timeout, worker.longest.overdue) == (30, 10, True)
    mail = of_type(seen, "mail")
    assert (mail.oldest_ready, mail.longest_running, mail.overdue, mail.unhandled) == (None, 30, 1, 0)
    driver.lose(driver.worker)
    seen = looked(driver, watcher)
    assert (seen.live_workers, seen.workers, [one.seconds for one in seen.gone]) == (0, (), [0])
    assert of_type(seen, "mail").unhandled == 1


def test_mailboxes_and_failures(driver: Driver) -> None:
    driver.submit_many(5, entity="deep")
    driver.submit_many(2, driver.bill, entity="shallow")
    driver.fail(driver.start(types=(driver.mail,))[0], "Traceback …\n  File x\nOSError: no disk\n", jitter=1.0)
    driver.dead_letter()
    driver.start(slots=0)
    seen = looked(driver)
    assert (of_type(seen, "mail").oldest_parked, of_type(seen, "bill").oldest_parked) == (0, 0)
    deep, shallow = seen.entities.busiest
    assert (deep.entity, deep.parked, shallow.entity, shallow.parked) == ("deep", 4, "shallow", 1)
    assert deep.holder is not None
    assert (deep.holder.state, deep.holder.seconds, deep.holder.failures) == ("back-off", 1, 1)
    assert (deep.holder.error, deep.holder.type, deep.holder.handled) == ("OSError: no disk", "mail", True)
    assert shallow.holder is not None
    assert (shallow.holder.state, shallow.holder.type) == ("ready", "bill")
    assert (seen.entities.parked, seen.entities.counted) == (5, 5)
    assert {(one.error, one.dead, one.retrying) for one in seen.failing} == {("OSError: no disk", 0, 1), ("boom", 1, 0)}


def test_only_some_types(driver: Driver) -> None:
    driver.dead_letter()
    seen = looked(driver, Watcher(["bill"]))
    assert ([one.type for one in seen.types], seen.failing) == (["bill"], ())
    with pytest.raises(InvalidOption, match="unknown type 'bil': did you mean 'bill'"):
        looked(driver, Watcher(["bil"]))


# Alerts, from what is in a store


def standing(seen: Overview) -> dict[str, str]:
    return {one.alert.removeprefix(PREFIX): one.state for one in seen.alerts}


def test_a_job_that_waits_too_long(driver: Driver) -> None:
    """Five minutes are not too long; from then on it is pending, and fires a minute later."""
    driver.submit()
    sampled(driver, 300)
    assert "OldestReadyJobTooOld" not in standing(looked(driver))
    sampled(driver, 20)
    assert standing(looked(driver))["OldestReadyJobTooOld"] == "pending"
    sampled(driver, 50)
    assert standing(looked(driver))["OldestReadyJobTooOld"] == "firing"
    sampled(driver, 260)
    assert standing(looked(driver))["WorkersStalled"] == "firing"


def test_nobody_handles_it(driver: Driver) -> None:
    """While no worker lives, nobody samples; the last sample tells since when that is so, to whoever looks first."""
    sampled(driver, 30)
    driver.store.retire(driver.worker.writer_id)
    driver.submit()
    driver.clock.advance(60 * SECOND)
    assert standing(looked(driver)) == {"NoWorkerForType": "pending"}
    driver.clock.advance(100 * SECOND)
    seen = looked(driver)
    assert standing(seen) == {"NoWorkerForType": "firing"}
    assert [one.summary for one in seen.alerts] == ["mail: 1 due job(s), and no live worker handles the type"]


def test_dead_letters_losses_and_refused_results(driver: Driver) -> None:
    sampled(driver, 60)
    assert standing(looked(driver)) == {}
    driver.dead_letter()
    driver.submit(driver.bill)
    stale = driver.start_one()
    driver.lose(driver.worker)
    worker = driver.enlist()
    driver.settle(driver.start_one(worker))
    assert worker.send(driver.settling(stale)).answers
    seen = looked(driver)
    assert standing(seen) == {"DlqGrowing": "firing", "WorkerLosses": "firing", "StaleSettlements": "firing"}
    assert {one.type for one in seen.alerts if one.alert == "JobledgerWorkerLosses"} == {"bill"}
    sampled(driver, 16 * 60, every=60)
    assert standing(looked(driver)) == {"DlqGrowing": "firing", "StaleSettlements": "firing"}
    sampled(driver, 45 * 60, every=300)
    assert standing(looked(driver)) == {}


def test_what_holds_for_five_minutes(driver: Driver) -> None:
    """Half of the attempts fail. Somebody who looks for the first time is told by the samples how long that is so."""
    sampled(driver, 60)
    for minute in range(6):
        for number in range(10):
            driver.submit(max_attempts=1)
            job = driver.start_one()
            driver.settle(job) if number % 2 else driver.fail(job)
        sampled(driver, 60)
        state = standing(looked(driver)).get("FailureRatioHigh")
        assert state == ("firing" if minute >= 5 else "pending" if minute >= 1 else None)


def test_alerts_need_a_ladder_with_their_boundary(tmp_path: Path) -> None:
    """The objective of the waits is thirty seconds; where that is no boundary, nobody can tell."""
    place = SqliteFile(tmp_path / "other.db")
    store: Any = place(lambda: 1_700_000_000 * SECOND, (1.0, 60.0))
    store.declare((), 10)
    seen = Watcher().look(store)
    why = {one.alert.removeprefix(PREFIX): one.why for one in seen.not_judged}
    assert "30 s is no boundary" in why["WaitSloFastBurn"]
    assert "30 s is no boundary" in why["WaitSloSlowBurn"]
    store.close()
    place.forget()
