"""Values by label, from a real store: merged, zero-initialised, and absent where nothing is known."""

from __future__ import annotations

import random
from math import inf
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from jobledger._core import catalog
from jobledger._core.catalog import BOUNDARIES, CATALOG, Kind
from jobledger._core.commands import UserDelta
from jobledger._core.outcome import Done
from jobledger._core.priority import Priority
from jobledger._metrics.family import Family, Value
from jobledger._metrics.histogram import HistogramValue
from jobledger._metrics.snapshot import Snapshot
from jobledger._store.contract import Declaration
from jobledger.errors import InvalidOption
from tests.desk import HIGH, LOW, NORMAL, START, Desk, busy, two_types

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(store_path: Path) -> Desk:
    return two_types(store_path)


def snapshot(desk: Desk) -> Snapshot:
    return Snapshot(desk.store.ledger())


def family(snapshot: Snapshot, name: str) -> Family:
    return next(family for family in snapshot.families() if family.name == name)


def series(snapshot: Snapshot, name: str) -> dict[tuple[str, ...], Value]:
    return {tuple(value for _, value in one.labels): one.value for one in family(snapshot, name).series}


def histogram(value: Value | None) -> HistogramValue:
    assert isinstance(value, HistogramValue)
    return value


def test_known_types_start_at_zero_at_their_default_priority(desk: Desk) -> None:
    empty = snapshot(desk)
    assert empty.types == ("email", "report")
    assert series(empty, "jobs_completed_total") == {("email",): 0, ("report",): 0}
    assert series(empty, "jobs_enqueued_total") == {("email", "high"): 0, ("report", "low"): 0}
    assert {one[1] for one in series(empty, "jobs_pruned_total")} == {"complete", "cancelled", "discarded"}
    nothing = series(empty, "jobs_duration_seconds")["email", "high"]
    assert nothing == HistogramValue(0, 0.0, (*((bound, 0) for bound in BOUNDARIES), (inf, 0)))


def test_families_are_the_catalog_in_order_with_sorted_series(desk: Desk) -> None:
    busy(desk)
    families = snapshot(desk).families()
    assert [one.name for one in families] == [one.series for one in CATALOG]
    for one in families:
        assert [found.labels for found in one.series] == sorted(found.labels for found in one.series)


def test_values_are_what_happened(desk: Desk) -> None:
    for priority in (HIGH, HIGH, NORMAL):
        desk.submit("email", priority)
    desk.submit("email", LOW, delay=60)
    desk.wait(0.3)
    for job in desk.start(slots=2):
        desk.settle(job, Done(), 0.02)
    now = snapshot(desk)
    assert now.value(catalog.ENQUEUED) == 4
    assert now.value(catalog.ENQUEUED, type="email", priority="high") == 2
    assert now.value(catalog.ENQUEUED, priority="critical") == 0
    assert now.value(catalog.ENQUEUED, type="report") == 0
    assert now.value(catalog.QUEUE_DEPTH) == 1
    assert now.value(catalog.SCHEDULED, priority="low") == 1
    processing = histogram(now.value(catalog.PROCESSING, type="email"))
    assert (processing.count, processing.sum, processing.mean) == (2, 0.04, 0.02)
    assert dict(processing.buckets)[0.01] == 0
    assert dict(processing.buckets)[0.025] == 2
    assert dict(processing.buckets)[inf] == 2
    waited = histogram(now.value(catalog.WAIT))
    assert (waited.count, waited.sum) == (2, 0.6)


def test_histograms_of_all_priorities_are_apart(desk: Desk) -> None:
    """Two cells and a sum in each, so that none is mistaken for another."""
    for number, priority in enumerate(Priority):
        for seconds in (0.25, 2.0 + number):
            desk.submit("email", priority)
            (job,) = desk.start()
            desk.settle(job, Done(), seconds)
    now = snapshot(desk)
    for number, priority in enumerate(Priority):
        found = histogram(now.value(catalog.PROCESSING, type="email", priority=priority.label))
        assert (found.count, found.sum, dict(found.buckets)[0.25]) == (2, 2.25 + number, 1)
        assert series(now, "jobs_processing_seconds")["email", priority.label] == found


def test_cancellations_are_one_number(desk: Desk) -> None:
    busy(desk)
    cells = [cell for cell in desk.store.ledger().cells if cell.number == catalog.CANCELLATIONS.number]
    assert len(cells) == 2
    assert snapshot(desk).value(catalog.CANCELLATIONS) == 3
    assert series(snapshot(desk), "jobs_cancelled_total") == {("email",): 3, ("report",): 0}


def test_pruned_has_the_status_of_the_rows(desk: Desk) -> None:
    busy(desk)
    now = snapshot(desk)
    assert now.value(catalog.PRUNED, status="complete") == 1
    assert now.value(catalog.PRUNED, status="cancelled") == 0


def test_types_that_share_a_label_are_one_series(store_path: Path) -> None:
    names = [Declaration(name, name) for name in ("a", "b", "c", "d")]
    desk = Desk(store_path, tuple(names), budget=2)
    for name in ("c", "d", "d"):
        desk.submit(name)
    assert snapshot(desk).types == ("__other__", "a", "b")
    assert series(snapshot(desk), "jobs_queue_depth")["__other__", "normal"] == 3
    assert snapshot(desk).value(catalog.QUEUE_DEPTH, type="__other__") == 3
    with pytest.raises(InvalidOption, match="read type='__other__'"):
        snapshot(desk).value(catalog.QUEUE_DEPTH, type="d")


def test_instants_are_absent_until_there_is_something_to_tell(desk: Desk) -> None:
    for instrument in (catalog.OLDEST_READY, catalog.OLDEST_RUNNING, catalog.LAST_COMPLETED, catalog.SAMPLED_AT):
        assert snapshot(desk).value(instrument) is None
        assert family(snapshot(desk), instrument.series).series == ()


def test_instants_are_the_stores_own(desk: Desk) -> None:
    desk.submit("email")
    desk.wait(5)
    desk.submit("email")
    start = START / 1e6
    assert series(snapshot(desk), "jobs_oldest_ready_timestamp_seconds") == {("email",): start}
    job, _ = desk.start()
    desk.wait(2)
    desk.settle(job, Done(), 2)
    now = snapshot(desk)
    assert now.value(catalog.OLDEST_READY) is None
    assert now.value(catalog.OLDEST_RUNNING, type="email") == start + 5
    assert now.value(catalog.LAST_COMPLETED) == start + 7
    assert now.value(catalog.LAST_COMPLETED, type="report") is None
    assert now.value(catalog.AS_OF) == now.as_of == start + 7


def test_of_several_instants_the_oldest_counts_or_the_last(desk: Desk) -> None:
    read = desk.store.ledger()
    email, report = read.probes
    probes = (
        replace(email, oldest_ready=7_000_000, last_completed=3_000_000, overdue=2),
        replace(report, oldest_ready=2_000_000, last_completed=9_000_000, overdue=1),
    )
    now = Snapshot(replace(read, probes=probes))
    assert now.value(catalog.OLDEST_READY) == 2
    assert now.value(catalog.LAST_COMPLETED) == 9
    assert now.value(catalog.LAST_COMPLETED, type="email") == 3
    shared = tuple(replace(type_, label="__other__") for type_ in read.types)
    merged = Snapshot(replace(read, probes=probes, types=shared))
    assert series(merged, "jobs_oldest_ready_timestamp_seconds") == {("__other__",): 2}
    assert series(merged, "jobs_last_completed_timestamp_seconds") == {("__other__",): 9}
    assert series(merged, "jobs_overdue") == {("__other__",): 3}


def test_workers_and_their_slots(desk: Desk) -> None:
    desk.submit("email")
    desk.start()
    now = snapshot(desk)
    assert now.value(catalog.WORKERS) == 1
    assert now.value(catalog.WORKER_SLOTS) == 10
    assert series(now, "jobs_worker_slots") == {("free",): 9, ("used",): 1}


def test_free_slots_are_never_below_zero(desk: Desk) -> None:
    read = replace(desk.store.ledger(), slots=1, used=3)
    assert Snapshot(read).value(catalog.WORKER_SLOTS, state="free") == 0


def test_unhandled_is_what_no_live_worker_would_run(desk: Desk) -> None:
    desk.submit("email")
    desk.submit("report")
    desk.submit("report", HIGH, delay=60)
    assert series(snapshot(desk), "jobs_unhandled") == {("email",): 0, ("report",): 2}
    assert snapshot(desk).value(catalog.UNHANDLED) == 2


def test_samples_are_absent_until_taken_and_have_their_own_time(desk: Desk) -> None:
    desk.submit("email", entity="customer:1")
    desk.submit("email", entity="customer:1")
    assert snapshot(desk).value(catalog.ENTITIES_ACTIVE) is None
    desk.store.sample(0)
    desk.wait(60)
    now = snapshot(desk)
    assert now.value(catalog.ENTITIES_ACTIVE) == 1
    assert now.value(catalog.MAILBOX_DEEPEST) == 1
    assert now.value(catalog.IMBALANCE) == 0
    assert now.value(catalog.SAMPLED_AT) == START / 1e6
    assert now.value(catalog.AS_OF) == START / 1e6 + 60
    assert now.value(catalog.UNFOLDED) == 0


def test_users_series_are_families_of_their_own(desk: Desk) -> None:
    desk.count(
        UserDelta("sent_total", "counter", (("template", "welcome"),), 2_500_000),
        UserDelta("sent_total", "counter", (("template", "bye"),), 3_000_000),
        UserDelta("answer_seconds", "histogram", (), 30_000),
        UserDelta("quiet_total", "counter", (), 0),
    )
    now = snapshot(desk)
    assert [one.name for one in now.families()][len(CATALOG) :] == ["answer_seconds", "quiet_total", "sent_total"]
    assert series(now, "sent_total") == {("bye",): 3, ("welcome",): 2.5}
    assert series(now, "quiet_total") == {(): 0}
    answer = histogram(series(now, "answer_seconds")[()])
    assert (answer.count, answer.sum, dict(answer.buckets)[0.025], dict(answer.buckets)[0.05]) == (1, 0.03, 0, 1)
    assert now.user_value("sent_total", Kind.COUNTER, ()) == 5.5
    assert now.user_value("sent_total", Kind.COUNTER, (("template", "bye"),)) == 3
    assert now.user_value("sent_total", Kind.HISTOGRAM, ()) == histogram(
        now.user_value("never_seconds", Kind.HISTOGRAM, ())
    )
    assert now.user_value("never_total", Kind.COUNTER, ()) == 0


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"entity": "customer:1"}, "jobs_enqueued_total has no label 'entity': its labels are type, priority"),
        ({"type": "emial"}, "unknown type 'emial'. Did you mean 'email'?"),
        ({"type": "zzz"}, "a type is known once a worker that handles it has started"),
        ({"priority": "hihg"}, "unknown priority 'hihg'. Did you mean 'high'?"),
        ({"priority": "0"}, "use one of critical, high, normal, low"),
    ],
)
def test_a_slip_of_the_pen_never_reads_as_zero(desk: Desk, labels: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidOption, match=why.replace("?", r"\?")):
        snapshot(desk).value(catalog.ENQUEUED, **labels)


def test_labels_of_other_instruments_are_checked_too(desk: Desk) -> None:
    with pytest.raises(InvalidOption, match="jobs_workers has no label 'type': it has none"):
        snapshot(desk).value(catalog.WORKERS, type="email")
    with pytest.raises(InvalidOption, match="unknown state 'busy': use one of free, used"):
        snapshot(desk).value(catalog.WORKER_SLOTS, state="busy")
    with pytest.raises(InvalidOption, match="unknown status"):
        snapshot(desk).value(catalog.PRUNED, status="failed")


def test_a_type_is_read_by_its_name_whatever_its_label(store_path: Path) -> None:
    name = "x" * 200
    desk = Desk(store_path, (Declaration(name, "x" * 120 + "..."),))
    desk.submit(name)
    assert snapshot(desk).value(catalog.ENQUEUED, type=name) == 1
    assert snapshot(desk).value(catalog.ENQUEUED, type="x" * 120 + "...") == 1


def test_quantiles_are_merged_over_what_is_not_named(desk: Desk) -> None:
    for priority, elapsed in ((HIGH, 0.002), (LOW, 0.4), (LOW, 0.4), (LOW, 0.4)):
        desk.submit("email", priority)
        (job,) = desk.start()
        desk.settle(job, Done(), elapsed)
    now = snapshot(desk)
    assert now.quantile(catalog.PROCESSING, 0.25) == pytest.approx(0.0025)
    assert now.quantile(catalog.PROCESSING, 0.5, type="email") == pytest.approx(0.25 + 0.25 / 3)
    assert now.quantile(catalog.PROCESSING, 1, priority="high") == pytest.approx(0.0025)
    assert now.quantile(catalog.DURATION, 0.5, type="report") is None
    with pytest.raises(InvalidOption, match="only a histogram has quantiles"):
        now.quantile(catalog.QUEUE_DEPTH, 0.5)
    for q in (-0.1, 1.1, 95, float("nan")):
        with pytest.raises(InvalidOption, match="from 0 to 1"):
            now.quantile(catalog.PROCESSING, q)


@pytest.mark.parametrize(
    ("counts", "q", "expected"),
    [
        ([4, 0, 0], 0.5, 0.5),
        ([4, 0, 0], 1, 1.0),
        ([0, 4, 0], 0, 1.0),
        ([0, 4, 0], 0.25, 1.25),
        ([2, 2, 0], 0.5, 1.0),
        ([2, 2, 0], 0.75, 1.5),
        ([0, 0, 5], 0.5, 2.0),
        ([1, 0, 1], 0.9, 2.0),
        ([1, 0, 1], 0.5, 1.0),
    ],
)
def test_a_quantile_is_what_promql_would_say(counts: list[int], q: float, expected: float) -> None:
    assert HistogramValue.of((1.0, 2.0), counts, 0.0).quantile(q) == pytest.approx(expected)


def test_a_quantile_lies_in_the_bucket_of_the_true_one() -> None:
    chance = random.Random(7)
    for _ in range(200):
        values = sorted(chance.lognormvariate(0, 2) for _ in range(chance.randrange(1, 300)))
        counts = [0] * (len(BOUNDARIES) + 1)
        for value in values:
            counts[next((n for n, bound in enumerate(BOUNDARIES) if value <= bound), len(BOUNDARIES))] += 1
        quantile = HistogramValue.of(BOUNDARIES, counts, sum(values)).quantile(0.9)
        true = values[max(-(-9 * len(values) // 10) - 1, 0)]
        above = next(bound for bound in BOUNDARIES if true <= bound)
        below = max((bound for bound in BOUNDARIES if bound < true), default=0)
        assert quantile is not None
        assert below <= quantile <= above * 1.000001
