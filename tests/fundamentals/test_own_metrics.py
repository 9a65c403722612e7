"""A handler counts what matters to its users; the counts are committed with the completion."""

import pytest

from jobledger import App, Context
from jobledger.errors import JobEnded


async def value(app: App, series: str) -> str | None:
    lines = (await app.metrics.text()).decode().splitlines()
    return next((line.rpartition(" ")[2] for line in lines if line.startswith(series)), None)


async def test_a_retried_attempt_counts_once(app: App) -> None:
    """What failed attempts counted is forgotten."""

    @app.job("mail", retry_base=0)
    async def mail(ctx: Context) -> None:
        ctx.metrics.counter("mails_sent_total", template="welcome").inc()
        if ctx.attempt < 3:
            raise OSError

    async with app.worker():
        await mail.result(await mail.submit(), wait=5)
        assert await value(app, 'mails_sent_total{template="welcome"}') == "1.0"


async def test_a_dead_letter_counts_nothing(app: App) -> None:
    """Its counts are dropped with its work."""

    @app.job("mail", max_attempts=1)
    async def mail(ctx: Context) -> None:
        ctx.metrics.counter("mails_sent_total").inc()
        raise OSError

    async with app.worker():
        with pytest.raises(JobEnded):
            await mail.result(await mail.submit(), wait=5)
        assert await value(app, "mails_sent_total") is None


async def test_histograms_too(app: App) -> None:
    """They share the store's ladder of boundaries."""

    @app.job("mail")
    async def mail(ctx: Context) -> None:
        ctx.metrics.histogram("mail_bytes").observe(3)

    async with app.worker():
        await mail.result(await mail.submit(), wait=5)
        assert await value(app, "mail_bytes_sum") == "3.0"


async def test_a_namespace_and_what_its_metrics_mean(app: App) -> None:
    """A prefix for all names of a subject, and a line of help for whoever meets them on a board."""

    @app.job("invoice.charge")
    async def charge(ctx: Context, *, plan: str, cents: int) -> None:
        billing = ctx.metrics.namespace("billing")
        billing.counter("invoices_total", "Invoices that were charged.", plan=plan).inc()
        billing.counter("revenue_cents_total", "What they came to.", plan=plan).inc(cents)

    async with app.worker():
        await charge.result(await charge.submit(plan="pro", cents=4900), wait=5)
        assert await value(app, 'billing_invoices_total{plan="pro"}') == "1.0"
        assert await value(app, 'billing_revenue_cents_total{plan="pro"}') == "4900.0"
        assert "# HELP billing_invoices_total Invoices that were charged." in (await app.metrics.text()).decode()


async def test_outside_of_a_handler(app: App) -> None:
    """`app.metrics.inc` is a commit of its own."""
    async with app:
        await app.metrics.inc("signups_total", 2, plan="pro")
        assert await value(app, 'signups_total{plan="pro"}') == "2.0"
