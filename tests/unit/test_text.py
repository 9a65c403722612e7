"""What is scraped: complete, in one order, and read without complaint by others."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from jobledger._core.catalog import BOUNDARIES, CATALOG
from jobledger._core.commands import UserDelta
from jobledger._metrics.accept import wants_openmetrics
from jobledger._metrics.process import process_families
from jobledger._metrics.snapshot import Snapshot
from jobledger._metrics.text import LedgerCollector, openmetrics_text, prometheus_text, render
from jobledger.errors import InvalidOption
from tests.desk import busy, two_types

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client.metrics_core import Metric

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_PLAIN = "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


@pytest.fixture
def snapshot(store_path: Path) -> Snapshot:
    desk = two_types(store_path)
    busy(desk)
    desk.count(
        UserDelta("sent_total", "counter", (("template", 'a "quoted" \\ one'),), 1_500_000),
        UserDelta("answer_seconds", "histogram", (), 30_000),
    )
    desk.store.sample(0)
    return Snapshot(desk.store.ledger())


def lines(text: bytes, start: str) -> list[str]:
    return [line for line in text.decode().splitlines() if line.startswith(start)]


def opened(text: bytes) -> list[Metric]:
    return list(parse_openmetrics(text.decode()))  # type: ignore[no-untyped-call]


def test_every_family_is_there_in_the_catalogs_order(snapshot: Snapshot) -> None:
    names = re.findall(r"^# TYPE (\S+)", prometheus_text(snapshot).decode(), re.MULTILINE)
    assert names == [*(one.series for one in CATALOG), "answer_seconds", "sent_total"]


def test_the_same_snapshot_gives_the_same_bytes(snapshot: Snapshot, store_path: Path) -> None:
    assert prometheus_text(snapshot) == prometheus_text(snapshot)
    again = Snapshot(snapshot._read)
    assert openmetrics_text(again) == openmetrics_text(snapshot)


def test_values_and_labels_as_scraped(snapshot: Snapshot) -> None:
    text = prometheus_text(snapshot)
    assert lines(text, "jobs_cancelled_total{") == [
        'jobs_cancelled_total{type="email"} 3.0',
        'jobs_cancelled_total{type="report"} 0.0',
    ]
    assert lines(text, "jobs_worker_slots{") == [
        'jobs_worker_slots{state="free"} 9.0',
        'jobs_worker_slots{state="used"} 1.0',
    ]
    assert lines(text, "sent_total") == ['sent_total{template="a \\"quoted\\" \\\\ one"} 1.5']
    assert lines(text, "answer_seconds_sum") == ["answer_seconds_sum 0.03"]


def test_buckets_are_cumulative_and_end_at_infinity(snapshot: Snapshot) -> None:
    found = lines(prometheus_text(snapshot), "jobs_mailbox_wait_seconds_bucket{le=")
    bounds = [re.findall(r'le="([^"]+)"', line)[0] for line in found if 'type="email"' in line]
    assert bounds == [*(repr(float(bound)) for bound in BOUNDARIES), "+Inf"]
    counts = [float(line.rsplit(" ", 1)[1]) for line in found if 'type="email"' in line]
    assert counts == sorted(counts)
    assert f'jobs_mailbox_wait_seconds_count{{type="email"}} {counts[-1]}' in prometheus_text(snapshot).decode()


def test_there_are_no_created_samples(snapshot: Snapshot) -> None:
    assert b"_created" not in prometheus_text(snapshot)
    assert b"_created" not in openmetrics_text(snapshot)


def test_both_formats_are_read_back_as_they_were(snapshot: Snapshot) -> None:
    families = snapshot.families()
    for parsed in (list(parse_text(prometheus_text(snapshot).decode())), opened(openmetrics_text(snapshot))):
        assert [one.name for one in parsed] == [one.name.removesuffix("_total") for one in families]
        assert [one.type for one in parsed] == [one.kind for one in families]
        assert [one.documentation for one in parsed] == [one.help for one in families]
    assert openmetrics_text(snapshot).endswith(b"# EOF\n")
    assert b"# UNIT jobs_duration_seconds seconds\n" in openmetrics_text(snapshot)


def test_a_counter_and_a_histogram_of_one_stem_stay_apart(store_path: Path) -> None:
    desk = two_types(store_path)
    desk.count(UserDelta("work_seconds_total", "counter", (), 10**6), UserDelta("work_seconds", "histogram", (), 10**6))
    snapshot = Snapshot(desk.store.ledger())
    assert {"work_seconds_total", "work_seconds"} <= {one.name for one in opened(openmetrics_text(snapshot))}
    assert lines(prometheus_text(snapshot), "work_seconds_total") == ["work_seconds_total 1.0"]


def test_process_families_come_last_under_their_prefix(snapshot: Snapshot) -> None:
    local = process_families({"loop_lag": 0.25, "batches": 3})
    for text in (prometheus_text(snapshot, local), openmetrics_text(snapshot, local)):
        assert lines(text, "jobledger_process_") == [
            "jobledger_process_batches_total 3.0",
            "jobledger_process_loop_lag_seconds 0.25",
        ]
        assert text.index(b"jobledger_process_") > text.index(b"sent_total")
    with pytest.raises(InvalidOption, match="unknown process metric 'lag'"):
        process_families({"lag": 1})


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        (PROMETHEUS_2, True),
        (PROMETHEUS_3_PLAIN, False),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;version=2.0.0;q=0.9,application/openmetrics-text;version=1.0.0;q=0.8", True),
        ("text/plain;q=0.9,application/openmetrics-text;version=1.0.0;q=0.1", False),
        ("application/openmetrics-text;q=0,text/plain;q=0.1", False),
        ("application/openmetrics-text;q=nonsense", False),
    ],
)
def test_a_scraper_gets_the_format_it_asks_for(snapshot: Snapshot, accept: str | None, openmetrics: bool) -> None:
    body, content_type = render(accept, snapshot)
    assert wants_openmetrics(accept) is openmetrics
    assert body.endswith(b"# EOF\n") is openmetrics
    assert content_type == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
        if openmetrics
        else "text/plain; version=0.0.4; charset=utf-8"
    )


def test_the_collector_fits_anybodys_registry_and_never_the_global_one(snapshot: Snapshot) -> None:
    registry = CollectorRegistry()
    registry.register(LedgerCollector(snapshot))
    assert generate_latest(registry) == prometheus_text(snapshot)
    assert not any(one.name.startswith("jobs_") for one in REGISTRY.collect())


@pytest.mark.debian("prometheus", "promtool")
def test_promtool_has_no_complaint(snapshot: Snapshot) -> None:
    local = process_families(dict.fromkeys(("batches", "commands", "commit_seconds", "slowest_commit"), 1.0))
    text = prometheus_text(snapshot, (*local, *process_families({"loop_lag": 0.1, "resident_memory": 1e8})))
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    spoilt = text.replace(b"jobs_completed_total", b"jobs_completed")
    assert subprocess.run(["promtool", "check", "metrics"], input=spoilt, capture_output=True, check=False).returncode
