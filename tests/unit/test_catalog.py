"""The catalog says what the design says, letter for letter."""

from __future__ import annotations

import re

from jobledger._core.catalog import BOUNDARIES, BY_NUMBER, CATALOG, CRITERIA, ELEVEN, Kind, ladder

# attribute, series, kind, labels
THE_ELEVEN = [
    ("cancellations", "jobs_cancelled_total", "counter", ("type",)),
    ("completions", "jobs_completed_total", "counter", ("type",)),
    ("dead_lettered", "jobs_dead_lettered_total", "counter", ("type",)),
    ("dlq_size", "jobs_dlq_size", "gauge", ("type",)),
    ("duration", "jobs_duration_seconds", "histogram", ("type", "priority")),
    ("enqueued", "jobs_enqueued_total", "counter", ("type", "priority")),
    ("failures", "jobs_failed_total", "counter", ("type",)),
    ("processing_seconds", "jobs_processing_seconds", "histogram", ("type", "priority")),
    ("queue_depth", "jobs_queue_depth", "gauge", ("type", "priority")),
    ("retries", "jobs_retried_total", "counter", ("type",)),
    ("wait_duration", "jobs_wait_duration_seconds", "histogram", ("type", "priority")),
]

FURTHER = [
    ("jobs_running", "gauge", ("type", "priority")),
    ("jobs_scheduled", "gauge", ("type", "priority")),
    ("jobs_parked", "gauge", ("type",)),
    ("jobs_replayed_total", "counter", ("type",)),
    ("jobs_discarded_total", "counter", ("type",)),
    ("jobs_deduplicated_total", "counter", ("type",)),
    ("jobs_lost_total", "counter", ("type",)),
    ("jobs_released_total", "counter", ("type",)),
    ("jobs_stale_settlements_total", "counter", ("type",)),
    ("jobs_pruned_total", "counter", ("type", "status")),
    ("jobs_mailbox_wait_seconds", "histogram", ("type",)),
    ("jobs_oldest_ready_timestamp_seconds", "gauge", ("type",)),
    ("jobs_oldest_parked_timestamp_seconds", "gauge", ("type",)),
    ("jobs_oldest_running_timestamp_seconds", "gauge", ("type",)),
    ("jobs_last_completed_timestamp_seconds", "gauge", ("type",)),
    ("jobs_overdue", "gauge", ("type",)),
    ("jobs_workers", "gauge", ()),
    ("jobs_worker_slots", "gauge", ("state",)),
    ("jobs_unhandled", "gauge", ("type",)),
    ("jobs_entities_active", "gauge", ()),
    ("jobs_mailbox_deepest", "gauge", ()),
    ("jobs_ledger_imbalance", "gauge", ()),
    ("jobs_ledger_as_of_timestamp_seconds", "gauge", ()),
    ("jobs_ledger_unfolded", "gauge", ()),
    ("jobs_series_overflowed", "gauge", ()),
]

LADDER = (
    ".001 .0025 .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10 30 60 120 300 600 1800 3600 21600 86400"
)  # fmt: skip


def test_the_eleven_are_as_written() -> None:
    assert [(one.attribute, one.series, str(one.kind), one.labels) for one in ELEVEN] == THE_ELEVEN


def test_the_eleven_are_in_alphabetical_order_and_come_first() -> None:
    attributes = [one.attribute for one in ELEVEN]
    assert attributes == sorted(attributes)
    assert CATALOG[:11] == ELEVEN


def test_the_further_series_are_as_written() -> None:
    catalog = [(one.series, str(one.kind), one.labels) for one in CATALOG[11:]]
    assert [one for one in catalog if one in FURTHER] == FURTHER
    assert [one for one in catalog if one not in FURTHER] == [("jobs_sampled_timestamp_seconds", "gauge", ())]


def test_all_histograms_have_the_one_ladder() -> None:
    assert tuple(float(bound) for bound in LADDER.split()) == BOUNDARIES
    assert {one.boundaries for one in CATALOG if one.kind is Kind.HISTOGRAM} == {BOUNDARIES}
    assert {one.boundaries for one in CATALOG if one.kind is not Kind.HISTOGRAM} == {()}


def test_the_ladder_is_exact_in_microseconds() -> None:
    assert ladder(BOUNDARIES)[:4] == (1_000, 2_500, 5_000, 10_000)
    assert ladder(BOUNDARIES)[-1] == 86_400_000_000


def test_the_four_criteria() -> None:
    assert {name: one.series for name, one in CRITERIA.items()} == {
        "job.queue_depth": "jobs_queue_depth",
        "job.processing_seconds": "jobs_processing_seconds",
        "job.failures_total": "jobs_failed_total",
        "job.dlq_size": "jobs_dlq_size",
    }


def test_names_follow_the_rules_of_prometheus() -> None:
    for one in CATALOG:
        assert re.fullmatch(r"jobs_[a-z_]+", one.series)
        assert one.series.endswith("_total") == (one.kind is Kind.COUNTER)
        assert one.series.endswith("_seconds") == (one.unit == "seconds")
        assert one.help
        assert one.meaning
        assert not {"entity", "job", "worker"} & set(one.labels)


def test_numbers_are_the_file_format() -> None:
    assert [one.number for one in ELEVEN] == list(range(1, 12))
    assert sorted(BY_NUMBER) == list(range(1, 23))
    for names in ([one.attribute for one in CATALOG], [one.series for one in CATALOG]):
        assert len(set(names)) == len(names)
