"""The connection breaks during the COMMIT of a handler's transaction: what came of it is read back, never guessed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jobledger import JobReport
from tests.postgres.lossy import WORDS, Lossy
from tests.postgres.payments import Ledger, paying


@pytest.fixture
async def ledger(postgres_schema: str) -> AsyncIterator[Ledger]:
    made = await Ledger.made(postgres_schema)
    yield made
    await made.dropped()


@pytest.mark.parametrize("loss", WORDS)
async def test_the_effect_happens_exactly_once(loss: str, ledger: Ledger, postgres_schema: str) -> None:
    lossy = Lossy(postgres_schema, loss)
    async with lossy.opened() as url:
        app = paying(url)
        async with app.worker():
            job_id = await app.jobs.submit("pay", {"amount": 7}, entity="payer")
            after = await app.jobs.submit("pay", {"amount": 8}, entity="payer")

            assert await app.jobs.result(job_id, wait=20) == 7
            assert await app.jobs.result(after, wait=20) == 8
        report = await app_report(url, job_id)

    assert lossy.lost == 1
    assert await ledger.both(job_id) == (1, True)
    events = [str(entry.event) for entry in report.history]
    again = ["retried", "started"] if loss != "answer" else []
    assert events == ["submitted", "started", *again, "completed"]


async def app_report(url: str, job_id: str) -> JobReport:
    app = paying(url)
    async with app:
        assert await app.metrics.jobs.completions.read(type="pay") == 2
        assert "paid_total 15" in (await app.metrics.text()).decode()
        return await app.jobs.status(job_id)
