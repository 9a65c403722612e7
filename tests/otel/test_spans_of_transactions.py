"""Spans where a job is submitted, or completed, in somebody's own transaction."""

from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import TracerProvider

from jobledger import App, Context, Telemetry
from tests.otel.receiver import Receiver, plain
from tests.postgres.drivers import DRIVERS, plain_dsn
from tests.waiting import until


@pytest.fixture
def new_app(postgres_schema: str, provider: TracerProvider) -> Callable[[], App]:
    return lambda: App(postgres_schema, telemetry=Telemetry(tracer_provider=provider))


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_submitted_and_completed_in_transactions(app: App, receiver: Receiver, driver: str) -> None:
    @app.job("work")
    async def work(ctx: Context) -> str | None:
        async with ctx.transaction() as connection:
            await connection.execute("SELECT 1")
        return ctx.trace

    async with app.worker():
        async with DRIVERS[driver](app, plain_dsn(app.url)) as hand:
            job_id, *_ = await hand.submit("work", [{}, {}])
            assert [span.name for span in receiver.spans] == ["submit work"]
            await hand.end(True)
        carried = await work.result(job_id, wait=10)
        await until(lambda: len(receiver.spans) == 3, "both jobs have ended")
    submit, *processes = receiver.spans
    assert plain(submit.attributes)["messaging.batch.message_count"] == 2
    assert f"{submit.trace_id.hex()}-{submit.span_id.hex()}" in str(carried)
    assert [link.span_id for process in processes for link in process.links] == [submit.span_id] * 2
    assert {plain(process.attributes)["jobledger.job.outcome"] for process in processes} == {"completed"}
