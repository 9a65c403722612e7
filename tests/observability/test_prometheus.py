"""What a real Prometheus knows of a running deployment is what the books say."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from jobledger import App, Cancel, Fail, Retry
from jobledger._core.catalog import CATALOG, Kind
from jobledger.testing import audit
from tests.observability.endpoint import endpoint
from tests.observability.prometheus import Prometheus
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger._core.books import Check

pytestmark = pytest.mark.debian("prometheus", "prometheus")

NAMES = {"durations": "duration", "starts": "wait_duration"}
"""What the equations of an audit call otherwise than the catalog does."""


async def make(url: str) -> None:
    """An SQLite file, so that it can be served before there is a job."""
    async with App(url):
        pass


async def every_outcome(url: str) -> None:
    """Jobs that are done, put back, buried, replayed, discarded, cancelled and delayed; then all is at rest."""
    app = App(url)

    @app.job("email.send")
    async def send(n: int) -> Retry | None:
        return Retry(after=3600) if n % 3 == 0 else None

    @app.job("report.render", max_attempts=1)
    async def render(answer: str) -> Cancel | Fail | None:
        answers: dict[str, Cancel | Fail] = {"cancel": Cancel("never mind"), "fail": Fail("for good")}
        return answers.get(answer)

    async with app.worker(threads=2):
        for priority in ("low", "high"):
            await app.jobs.submit("email.send", [{"n": n} for n in range(10)], priority=priority)
        _, _, gone, again, _ = [await render.submit(answer=answer) for answer in ("", "cancel", "fail", "fail", "fail")]
        await app.jobs.cancel(await render.options(delay=3600).submit(answer=""))
        await render.options(delay=3600).submit(answer="")
        await until(lambda: at_rest(app), "every attempt has ended", timeout=30)
        await app.jobs.discard(gone)
        await app.jobs.replay(again)
        await until(lambda: at_rest(app), "the replayed job is buried again", timeout=30)


async def at_rest(app: App) -> bool:
    jobs = app.metrics.jobs
    return not await jobs.queue_depth.read() and not await jobs.running.read()


def promql(check: Check, job: str) -> str:
    """What an equation of the audit has on its left, as a query."""
    equation, _, priority = check.equation.rpartition(", ")
    left = (equation or priority).partition(" = ")[0]
    only = f'job="{job}",type="{check.type}"' + (f',priority="{priority}"' if equation else "")
    return " + ".join(f"sum({series_of(name)}{{{only}}})" for name in left.split(" + "))


def series_of(name: str) -> str:
    """The series of an attribute of the catalog; of a histogram, that of its count."""
    attribute = NAMES.get(name, name)
    (one,) = (one for one in CATALOG if one.attribute == attribute)
    return f"{one.series}_count" if one.kind is Kind.HISTOGRAM else one.series


def test_promql_answers_what_the_audits_count(store_path: Path, postgres_schema: str, tmp_path: Path) -> None:
    urls = {"file": f"sqlite:///{store_path}?durability=off", "server": postgres_schema}
    asyncio.run(make(urls["file"]))
    with ExitStack() as stack:
        targets = {name: [stack.enter_context(endpoint(url))] for name, url in urls.items()}
        prometheus = stack.enter_context(Prometheus(tmp_path / "prometheus", targets))
        for name, url in urls.items():
            asyncio.run(every_outcome(url))
            books = audit(url)
            at = prometheus.until_scraped(name, after=books.as_of / 1e6)
            queries = {promql(check, name) for check in books.checks}
            answers = {query: prometheus.value(query, at) for query in queries}

            assert len(queries) > 30
            assert len({check.right for check in books.checks}) > 5
            for check in books.checks:
                answer = answers[promql(check, name)] or 0  # a priority has no series before its first job
                assert answer == check.right, (name, check, promql(check, name))
