"""What handlers count for themselves, and what they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobledger._core.commands import UserDelta
from jobledger._core.tally import MAX_OBSERVATIONS, UserMetrics
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def metrics() -> UserMetrics:
    return UserMetrics()


def test_counts_of_one_series_are_merged(metrics: UserMetrics) -> None:
    sent = metrics.counter("emails_sent_total", template="welcome")
    sent.inc()
    sent.inc(2)
    metrics.counter("emails_sent_total", template="welcome").inc(0.5)
    metrics.counter("emails_sent_total", template="bye").inc()
    assert metrics.drain() == (
        UserDelta("emails_sent_total", "counter", (("template", "welcome"),), 3_500_000),
        UserDelta("emails_sent_total", "counter", (("template", "bye"),), 1_000_000),
    )


def test_every_observation_is_kept(metrics: UserMetrics) -> None:
    size = metrics.histogram("email_bytes")
    size.observe(0.000001)
    size.observe(1024)
    assert [delta.amount for delta in metrics.drain()] == [1, 1_024_000_000]


def test_draining_begins_again(metrics: UserMetrics) -> None:
    sent = metrics.counter("emails_sent_total")
    sent.inc()
    assert len(metrics.drain()) == 1
    assert metrics.drain() == ()
    sent.inc(7)
    assert [delta.amount for delta in metrics.drain()] == [7_000_000]


def test_counting_nothing_makes_a_series_visible(metrics: UserMetrics) -> None:
    metrics.counter("emails_sent_total").inc(0)
    assert [delta.amount for delta in metrics.drain()] == [0]


def test_a_namespace_is_a_prefix_of_the_same_counts(metrics: UserMetrics) -> None:
    billing = metrics.namespace("billing")
    billing.counter("invoices_total", plan="pro").inc()
    metrics.counter("billing_invoices_total", plan="pro").inc()
    billing.namespace("eu").histogram("vat_euros").observe(19)
    assert [(delta.name, delta.amount) for delta in metrics.drain()] == [
        ("billing_invoices_total", 2_000_000),
        ("billing_eu_vat_euros", 19_000_000),
    ]


@pytest.mark.parametrize("prefix", ["jobs", "jobledger", "", "1st", "a-b", 5])
def test_a_namespace_that_is_refused(metrics: UserMetrics, prefix: str) -> None:
    with pytest.raises(InvalidOption):
        metrics.namespace(prefix)


def test_what_a_metric_means_goes_with_its_counts(metrics: UserMetrics) -> None:
    metrics.counter("sent_total", "E-mails that\n  were sent.", template="welcome").inc()
    metrics.counter("sent_total", template="bye").inc()
    metrics.counter("opened_total").inc()
    assert {(delta.name, delta.help) for delta in metrics.drain()} == {
        ("sent_total", "E-mails that were sent."),
        ("opened_total", ""),
    }


def test_a_help_is_text(metrics: UserMetrics) -> None:
    wrong: Any = 5
    with pytest.raises(InvalidOption, match="the help of a metric must be text, not 5"):
        metrics.counter("sent_total", wrong)


def test_the_order_of_labels_does_not_matter(metrics: UserMetrics) -> None:
    metrics.counter("a_total", x="1", b="2").inc()
    metrics.counter("a_total", b="2", x="1").inc()
    (delta,) = metrics.drain()
    assert delta.labels == (("b", "2"), ("x", "1"))


def test_label_values_are_made_fit(metrics: UserMetrics) -> None:
    metrics.counter("a_total", x="two\nlines", y="", z="z" * 500).inc()
    assert dict(metrics.drain()[0].labels) == {"x": "twolines", "y": "unknown", "z": "z" * 120 + "..."}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("emails_sent", "must end in '_total': use 'emails_sent_total'"),
        ("jobs_mine_total", "the prefix 'jobs_' belongs to the job metrics"),
        ("jobledger_mine_total", "the prefix 'jobledger_' belongs to the job metrics"),
        ("1_total", "no metric name"),
        ("e-mails_total", "no metric name"),
        ("rule:mine_total", "no metric name"),
        ("größe_total", "no metric name"),
        ("", "no metric name"),
        ("x" * 250 + "_total", "no metric name"),
        ("_total", "the formats use the endings"),
        ("a_sum_total", "the formats use the endings"),
    ],
)
def test_a_counter_name_that_is_refused(metrics: UserMetrics, name: str, why: str) -> None:
    with pytest.raises(InvalidOption, match=why):
        metrics.counter(name)


@pytest.mark.parametrize("name", ["a_total", "a_sum", "a_count", "a_bucket", "a_created", "a_info", "jobs_x_seconds"])
def test_a_histogram_name_that_is_refused(metrics: UserMetrics, name: str) -> None:
    with pytest.raises(InvalidOption, match="choose another name"):
        metrics.histogram(name)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"le": "1"}, "can't be a label"),
        ({"quantile": "1"}, "can't be a label"),
        ({"__name__": "1"}, "can't be a label"),
        ({"a-b": "1"}, "can't be a label"),
        ({"status": 200}, "label status=200 must be text: write status='200'"),
        ({f"l{n}": "x" for n in range(11)}, "at most 10"),
    ],
)
def test_labels_that_are_refused(metrics: UserMetrics, labels: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidOption, match=why):
        metrics.counter("a_total", **labels)


@pytest.mark.parametrize("value", [-1, -0.001, float("nan"), float("inf"), True, "1", None, 10**12 + 1])
def test_amounts_that_are_refused(metrics: UserMetrics, value: float) -> None:
    counts: list[Callable[[float], None]] = [
        metrics.counter("a_total").inc,
        metrics.histogram("a_seconds").observe,
    ]
    for count in counts:
        with pytest.raises(InvalidOption, match="must be"):
            count(value)
    assert metrics.drain() == ()


def test_one_attempt_can_not_flood_its_commit(metrics: UserMetrics) -> None:
    seconds = metrics.histogram("a_seconds")
    for _ in range(MAX_OBSERVATIONS):
        seconds.observe(1)
    with pytest.raises(InvalidOption, match="at most 10,000 values"):
        seconds.observe(1)
    counter = metrics.counter("a_total")
    counter.inc(10**12)
    with pytest.raises(InvalidOption, match="at most"):
        counter.inc()
