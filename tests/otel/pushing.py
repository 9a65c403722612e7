"""A store that pushes often, some work for it, and what was pushed as Python has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobledger import App, Context, Telemetry
from jobledger._metrics.histogram import HistogramValue
from tests.otel.receiver import plain, points_of
from tests.waiting import until

if TYPE_CHECKING:
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

    from tests.otel.receiver import Push, Receiver


def settings(receiver: Receiver, **more: Any) -> Telemetry:
    return Telemetry(spans="off", interval=0.2, endpoint=f"{receiver.url}/v1/metrics", **more)


async def pushed(receiver: Receiver, after: float) -> Push:
    """The first push of books that were read after an instant."""
    await until(lambda: any(push.at > after * 1e9 for push in receiver.pushes), "the books are pushed as they are", 30)
    return next(push for push in receiver.pushes if push.at > after * 1e9)


def handlers(app: App) -> None:
    @app.job("mail", retry_base=0, priority="high")
    async def mail(ctx: Context, *, fails: int = 0) -> None:
        ctx.metrics.counter("mails_total", plan="pro").inc(1.5)
        ctx.metrics.histogram("mail_bytes", help="How large.").observe(2048)
        if ctx.attempt <= fails:
            raise OSError

    @app.job("bill", max_attempts=1)
    def bill() -> None:
        raise OSError


async def some_work(app: App) -> None:
    await app.jobs.submit("mail", [{}, {"fails": 1}, {"fails": 2}])
    await app.jobs.submit("bill", [{}, {}])
    await app.jobs.submit("mail", {}, delay=3600)
    await until(lambda: settled(app), "all is done")


async def settled(app: App) -> bool:
    """All jobs that can end have ended, and upkeep has looked, which it does again in ten seconds."""
    jobs = app.metrics.jobs
    done = (await jobs.completions.read(), await jobs.dlq_size.read()) == (3, 2)
    return done and await jobs.sampled_at.read() is not None


def points(metric: Metric) -> dict[tuple[tuple[str, object], ...], object]:
    """Values by attributes, as the snapshot has them."""
    return {tuple(plain(point.attributes).items()): value_of(point) for point in points_of(metric)}


def value_of(point: Any) -> object:
    if not hasattr(point, "bucket_counts"):
        return getattr(point, str(point.WhichOneof("value")))
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert not point.HasField("min")
    bounds = tuple(point.explicit_bounds)
    value = HistogramValue.of(bounds, list(point.bucket_counts), point.sum)
    assert value.count == point.count
    return value
