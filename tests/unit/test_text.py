"""What is scraped: complete, in one order, and read without complaint by others."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from jobledger._core.catalog import BOUNDARIES, CATALOG, Kind
from jobledger._core.commands import UserDelta
from jobledger._metrics.accept import wants_openmetrics
from jobledger._metrics.family import Exemplar, Family, Series
from jobledger._metrics.histogram import HistogramValue
from jobledger._metrics.process import process_families
from jobledger._metrics.snapshot import Snapshot
from jobledger._metrics.text import MOST_EXEMPLAR, openmetrics_text, prometheus_text, text_of
from jobledger.errors import InvalidOption
from tests.desk import busy, two_types
from tests.prometheus_client_text import parsed, written

if TYPE_CHECKING:
    from pathlib import Path

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


def test_it_is_what_prometheus_client_writes(snapshot: Snapshot) -> None:
    families = (*snapshot.families(), *process_families({"loop_lag": 0.25, "batches": 3, "resident_memory": 2e8}))
    for openmetrics in (False, True):
        assert text_of(families, openmetrics=openmetrics) == written(families, openmetrics=openmetrics)


def test_both_formats_are_read_back_as_they_were(snapshot: Snapshot) -> None:
    families = snapshot.families()
    for openmetrics in (False, True):
        read = parsed(text_of(families, openmetrics=openmetrics), openmetrics=openmetrics)
        assert [one.name for one in read] == [one.name.removesuffix("_total") for one in families]
        assert [one.type for one in read] == [one.kind for one in families]
        assert [one.documentation for one in read] == [one.help for one in families]
    assert openmetrics_text(snapshot).endswith(b"# EOF\n")
    assert b"# UNIT jobs_duration_seconds seconds\n" in openmetrics_text(snapshot)


def test_a_counter_and_a_histogram_of_one_stem_stay_apart(store_path: Path) -> None:
    desk = two_types(store_path)
    desk.count(UserDelta("work_seconds_total", "counter", (), 10**6), UserDelta("work_seconds", "histogram", (), 10**6))
    snapshot = Snapshot(desk.store.ledger())
    text = openmetrics_text(snapshot)
    assert {"work_seconds_total", "work_seconds"} <= {one.name for one in parsed(text, openmetrics=True)}
    assert text == written(snapshot.families(), openmetrics=True)
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
def test_a_scraper_gets_the_format_it_asks_for(accept: str | None, openmetrics: bool) -> None:
    assert wants_openmetrics(accept) is openmetrics


def test_only_openmetrics_has_exemplars() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    one = Exemplar((("trace_id", trace), ("job_id", "a")), 0.25, 1_700_000_000.5)
    value = HistogramValue.of((0.1, 1.0), (1, 2, 3), 9.0)
    families = (Family("x_seconds", Kind.HISTOGRAM, "X.", (Series((("type", "t"),), value, (None, one, None)),)),)
    assert b"job_id" not in text_of(families)
    text = text_of(families, openmetrics=True)
    assert lines(text, "x_seconds_bucket") == [
        'x_seconds_bucket{le="0.1",type="t"} 1.0',
        f'x_seconds_bucket{{le="1.0",type="t"}} 3.0 # {{job_id="a",trace_id="{trace}"}} 0.25 1700000000.5',
        'x_seconds_bucket{le="+Inf",type="t"} 6.0',
    ]
    assert text == written(families, openmetrics=True)


@pytest.mark.parametrize(("length", "shown"), [(MOST_EXEMPLAR - 6, True), (MOST_EXEMPLAR - 5, False)])
def test_an_exemplar_that_is_longer_than_the_format_allows_is_left_out(length: int, shown: bool) -> None:
    one = Exemplar((("job_id", "a" * length),), 0.25, 1.0)
    value = HistogramValue.of((), (1,), 0.25)
    text = text_of((Family("x", Kind.HISTOGRAM, "X.", (Series((), value, (one,)),)),), openmetrics=True)
    assert (b"job_id" in text) is shown
    assert parsed(text, openmetrics=True)


def test_where_counting_begins_anew_openmetrics_says_when() -> None:
    counter = Family("x_total", Kind.COUNTER, "X.", (Series((("a", "b"),), 2),), created=1.5)
    histogram = Family("y", Kind.HISTOGRAM, "Y.", (Series((), HistogramValue.of((), (1,), 0.5)),), created=2.5)
    gauge = Family("z", Kind.GAUGE, "Z.", (Series((), 1),), created=3.5)
    families = (counter, histogram, gauge)
    text = text_of(families, openmetrics=True)
    assert [line for line in text.decode().splitlines() if "_created" in line] == [
        'x_created{a="b"} 1.5',
        "y_created 2.5",
    ]
    assert text == written(families, openmetrics=True)
    assert b"_created" not in text_of(families)


def test_a_processs_counters_begin_with_it() -> None:
    """Its gauges don't, and without the time nothing is said."""
    families = process_families({"batches": 3, "loop_lag": 0.1, "start_time": 1_700_000_000.5})
    assert [one.created for one in families] == [1_700_000_000.5, None, None]
    assert b"jobledger_process_batches_created 1.7000000005e+09\n" in text_of(families, openmetrics=True)
    assert [one.created for one in process_families({"batches": 3})] == [None]


def test_half_a_surrogate_pair_does_not_stop_a_scrape() -> None:
    """Labels are made fit before they are kept; should one not be, the others are still told."""
    text = text_of((Family("x", Kind.GAUGE, "X.", (Series((("a", "\ud800"),), 1),)),))
    assert lines(text, "x{") == ['x{a="?"} 1.0']


@pytest.mark.debian("prometheus", "promtool")
def test_promtool_has_no_complaint(snapshot: Snapshot) -> None:
    local = process_families(dict.fromkeys(("batches", "commands", "commit_seconds", "slowest_commit"), 1.0))
    text = prometheus_text(snapshot, (*local, *process_families({"loop_lag": 0.1, "resident_memory": 1e8})))
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    spoilt = text.replace(b"jobs_completed_total", b"jobs_completed")
    assert subprocess.run(["promtool", "check", "metrics"], input=spoilt, capture_output=True, check=False).returncode
