"""MetricsService over a real store: bound instruments, users' own metrics, text and audit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from jobledger._core.books import Audit
from jobledger._core.catalog import BOUNDARIES, CATALOG, ELEVEN
from jobledger._core.outcome import Done
from jobledger._metrics.bound import BoundInstrument, JobMetrics
from jobledger._metrics.histogram import HistogramValue
from jobledger.errors import InvalidOption
from jobledger.metrics import MetricsService
from tests.desk import Desk, busy, two_types

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger._core.commands import UserDelta
    from jobledger._core.observations import Observation
    from jobledger._core.reads import AuditRead, LedgerRead


@pytest.fixture
def desk(store_path: Path) -> Desk:
    return two_types(store_path)


@pytest.fixture
def reads() -> list[str]:
    """What was read of the store, in order."""
    return []


@pytest.fixture
def metrics(desk: Desk, reads: list[str]) -> MetricsService:
    async def read_ledger() -> LedgerRead:
        reads.append("ledger")
        return desk.store.ledger()

    async def read_exemplars(limit: int) -> tuple[Observation, ...]:
        reads.append("exemplars")
        return desk.store.exemplars(limit)

    async def read_audit() -> AuditRead:
        return desk.store.audit()

    async def count(deltas: tuple[UserDelta, ...]) -> None:
        desk.count(*deltas)

    return MetricsService(read_ledger, read_audit, count, lambda: {"batches": 4}, read_exemplars)


def test_the_eleven_attributes_in_alphabetical_order(metrics: MetricsService) -> None:
    names = [name for name, one in vars(metrics.jobs).items() if isinstance(one, BoundInstrument)]
    assert names[:11] == [
        "cancellations", "completions", "dead_lettered", "dlq_size", "duration", "enqueued", "failures",
        "processing_seconds", "queue_depth", "retries", "wait_duration",
    ]  # fmt: skip
    assert names == [one.attribute for one in CATALOG]
    assert [one.instrument for one in metrics.jobs] == list(ELEVEN)


def test_every_attribute_is_declared_for_type_checkers() -> None:
    assert list(JobMetrics.__annotations__) == [one.attribute for one in CATALOG]


def test_a_bound_instrument_says_what_it_is(metrics: MetricsService) -> None:
    for instrument in CATALOG:
        bound = getattr(metrics.jobs, instrument.attribute)
        assert bound.instrument is instrument
        assert (bound.name, bound.kind, bound.labels) == (instrument.series, instrument.kind, instrument.labels)
        assert (bound.boundaries, bound.help) == (instrument.boundaries, instrument.help)
    assert metrics.jobs.duration.boundaries == BOUNDARIES
    assert metrics.jobs.enqueued.kind == "counter"
    assert repr(metrics.jobs.enqueued) == "<counter jobs_enqueued_total{type, priority}>"


async def test_every_instrument_can_be_read(metrics: MetricsService, desk: Desk) -> None:
    busy(desk)
    desk.store.sample(0)
    for instrument in CATALOG:
        value = await getattr(metrics.jobs, instrument.attribute).read()
        assert isinstance(value, HistogramValue if instrument.boundaries else int | float), instrument.series


async def test_reading(metrics: MetricsService, desk: Desk) -> None:
    busy(desk)
    assert await metrics.jobs.dlq_size.read() == 1
    assert await metrics.jobs.dlq_size.read(type="email") == 1
    assert await metrics.jobs.dlq_size.read(type="report") == 0
    assert await metrics.jobs.enqueued.read(type="email", priority="high") == 2
    duration = await metrics.jobs.duration.read(type="email")
    assert duration.count == 9
    assert duration.quantile(0.5) is not None
    assert await metrics.jobs.oldest_running.read(type="report") is None


async def test_reading_what_does_not_exist(metrics: MetricsService) -> None:
    with pytest.raises(InvalidOption, match="Did you mean 'report'"):
        await metrics.jobs.completions.read(type="reprot")
    with pytest.raises(InvalidOption, match="has no label 'priority'"):
        await metrics.jobs.completions.read(priority="high")


async def test_the_four_criteria(metrics: MetricsService) -> None:
    jobs = metrics.jobs
    assert dict(jobs.criteria) == {
        "job.queue_depth": jobs.queue_depth,
        "job.processing_seconds": jobs.processing_seconds,
        "job.failures_total": jobs.failures,
        "job.dlq_size": jobs.dlq_size,
    }
    assert await jobs.criteria["job.queue_depth"].read() == 0


async def test_one_snapshot_fits_together(metrics: MetricsService, desk: Desk) -> None:
    before = await metrics.snapshot()
    desk.submit("email")
    assert before.value(metrics.jobs.queue_depth.instrument) == 0
    assert await metrics.jobs.queue_depth.read() == 1


async def test_text_in_both_formats(metrics: MetricsService) -> None:
    text, openmetrics = await metrics.text(), await metrics.text(openmetrics=True)
    assert b'jobs_dlq_size{type="email"} 0.0\n' in text
    assert text.endswith(b"jobledger_process_batches_total 4.0\n")
    assert openmetrics.endswith(b"# EOF\n")
    assert await metrics.render("application/openmetrics-text") == (
        openmetrics,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    )
    assert await metrics.render(None) == (text, "text/plain; version=0.0.4; charset=utf-8")


async def test_openmetrics_has_exemplars_of_jobs_that_are_in_its_books(
    metrics: MetricsService, desk: Desk, reads: list[str]
) -> None:
    """Read before the books: what ends in between is in the books only."""
    desk.submit("email")
    (job,) = desk.start()
    desk.settle(job, Done(), 0.3)
    assert (
        f'le="0.5",priority="normal",type="email"}} 1.0 # {{job_id="{job.id}"}} 0.3 '
        in (await metrics.text(openmetrics=True)).decode()
    )
    assert reads == ["exemplars", "ledger"]
    assert job.id.encode() not in await metrics.text()
    assert reads == ["exemplars", "ledger", "ledger"]


async def test_fifty_scrapes_at_once_are_two(metrics: MetricsService, reads: list[str]) -> None:
    """The first one's, and one for all who came while that was made."""
    texts = await asyncio.gather(*(metrics.text() for _ in range(50)))
    assert reads == ["ledger", "ledger"]
    assert len({id(text) for text in texts}) == 2


async def test_an_audit(metrics: MetricsService, desk: Desk) -> None:
    busy(desk)
    audit = await metrics.audit()
    assert isinstance(audit, Audit)
    assert audit.balanced
    assert audit.checks
    assert audit.rules


async def test_counting_outside_of_a_handler(metrics: MetricsService) -> None:
    await metrics.inc("emails_sent_total", template="welcome")
    await metrics.inc("emails_sent_total", 2, template="bye")
    await metrics.observe("email_bytes", 1024)
    text = (await metrics.text()).decode()
    assert 'emails_sent_total{template="welcome"} 1.0\n' in text
    assert 'emails_sent_total{template="bye"} 2.0\n' in text
    assert "email_bytes_sum 1024.0\n" in text


async def test_a_namespace_is_a_prefix(metrics: MetricsService) -> None:
    billing = metrics.namespace("billing")
    invoices = billing.counter("invoices_total", plan="pro")
    assert (invoices.name, invoices.labels) == ("billing_invoices_total", (("plan", "pro"),))
    assert await invoices.read() == 0
    await invoices.inc()
    await invoices.inc(n=1.5)
    assert await invoices.read() == 2.5
    assert await billing.counter("invoices_total").read() == 2.5
    amounts = billing.histogram("amount_euros")
    assert (await amounts.read()).count == 0
    await amounts.observe(40)
    value = await amounts.read()
    assert (value.count, value.sum) == (1, 40.0)


async def test_label_names_may_be_any_word(metrics: MetricsService) -> None:
    await metrics.inc("a_total", 1, name="x", n="y", self="z", labels="w", help="v")
    assert 'a_total{help="v",labels="w",n="y",name="x",self="z"} 1.0' in (await metrics.text()).decode()


async def test_what_a_metric_means_is_scraped(metrics: MetricsService) -> None:
    billing = metrics.namespace("billing")
    await billing.counter("invoices_total", "Invoices that were charged.", plan="pro").inc()
    await billing.counter("invoices_total", plan="free").inc()
    await metrics.inc("signups_total")
    text = (await metrics.text()).decode()
    assert "# HELP billing_invoices_total Invoices that were charged.\n" in text
    assert "# HELP signups_total Counted by this application's own code, committed with its jobs.\n" in text


async def test_a_process_has_one_help_for_a_name(metrics: MetricsService) -> None:
    """The first: two places in a program with different ones would write a new one with every count."""
    billing = metrics.namespace("billing")
    for text in ("Invoices.", "Bills.", ""):
        await billing.counter("invoices_total", text).inc()
    assert billing.counter("invoices_total", "Bills.").help == "Invoices."
    assert "# HELP billing_invoices_total Invoices.\n" in (await metrics.text()).decode()


async def test_the_same_rules_as_in_a_handler(metrics: MetricsService) -> None:
    with pytest.raises(InvalidOption, match="the prefix 'jobs_' belongs"):
        await metrics.inc("jobs_completed_total")
    with pytest.raises(InvalidOption, match="the prefix 'jobledger_' belongs"):
        await metrics.observe("jobledger_x_seconds", 1)
    with pytest.raises(InvalidOption, match="must end in '_total'"):
        await metrics.inc("emails")
    with pytest.raises(InvalidOption, match="must be from 0"):
        await metrics.inc("emails_total", -1)
    with pytest.raises(InvalidOption, match="must be a finite number"):
        await metrics.observe("emails_seconds", float("nan"))


@pytest.mark.parametrize("name", ["jobs", "jobledger", "", "1st", "a-b"])
def test_a_namespace_that_is_refused(metrics: MetricsService, name: str) -> None:
    with pytest.raises(InvalidOption):
        metrics.namespace(name)


def test_labels_can_be_made_fit(metrics: MetricsService) -> None:
    assert metrics.label("two\nlines") == MetricsService.label("twolines") == "twolines"
