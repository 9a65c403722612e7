"""What a real Prometheus knows of a running deployment is what the books say."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobledger._core.alerts import STORE_SCRAPED_TWICE
from jobledger._core.catalog import CATALOG, Kind
from jobledger.testing import audit
from tests.observability.endpoint import endpoint
from tests.observability.prometheus import PATIENCE, Labels, Prometheus, labels
from tests.observability.recipes import recipes
from tests.observability.scaled import scaled
from tests.observability.work import TRACE, TYPES, make, worked_on
from tests.waiting import until_blocking

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger._core.books import Check

pytestmark = pytest.mark.debian("prometheus", "prometheus")

NAMES = {"durations": "duration", "starts": "wait_duration"}
"""What the equations of an audit call otherwise than the catalog does."""
OF_THE_READ = "jobs_ledger_as_of_timestamp_seconds"
SCRAPES = 6
"""Of a store that works, before anything is compared."""


@dataclass(frozen=True)
class Scraped:
    """A store as Prometheus has it: when nothing happened there any more."""

    prometheus: Prometheus
    job: str
    url: str
    target: str
    at: float
    last: str

    def ask(self, query: str) -> dict[Labels, float]:
        return self.prometheus.ask(query, self.at)


@pytest.mark.timeout(150)
def test_prometheus_knows_what_the_books_say(store_path: Path, postgres_schema: str, tmp_path: Path) -> None:
    """One test: Prometheus needs five seconds before it scrapes anything."""
    urls = {"file": f"sqlite:///{store_path}?durability=off", "server": postgres_schema}
    asyncio.run(make(urls["file"]))
    with ExitStack() as stack:
        first, other, server = (stack.enter_context(endpoint(urls[name])) for name in ("file", "file", "server"))
        targets = {"file": [first], "server": [server], "twice": [first, other]}
        rules = scaled(600, [STORE_SCRAPED_TWICE])
        prometheus = stack.enter_context(Prometheus(tmp_path / "prometheus", targets, rules=rules, interval=0.25))
        stores = asyncio.run(scraped(prometheus, urls, targets))
        for store in stores:
            promql_answers_what_the_audit_counts(store)
            the_text_has_the_same_samples(store)
            what_is_of_the_process_says_so(store)
            exemplars_lead_to_a_job(store)
            the_identity_held_in_every_scrape(store)
            every_recipe_answers(store)
        one_store_is_the_same_from_every_endpoint(stores[0], targets["twice"])
        scraping_it_twice_is_noticed(prometheus)


async def scraped(prometheus: Prometheus, urls: dict[str, str], targets: dict[str, list[str]]) -> list[Scraped]:
    """Work on all stores until Prometheus has seen it, and once more when it is at rest."""

    async def one(job: str) -> Scraped:
        enough = f'count_over_time({OF_THE_READ}{{job="{job}"}}[5m]) >= {SCRAPES}'
        last = await worked_on(urls[job], lambda: asyncio.to_thread(lambda: bool(prometheus.ask(enough))))
        after = (await asyncio.to_thread(audit, urls[job])).as_of / 1e6
        at = await asyncio.to_thread(prometheus.until_scraped, job, after)
        return Scraped(prometheus, job, urls[job], targets[job][0], at, last)

    return await asyncio.gather(*map(one, urls))


def promql_answers_what_the_audit_counts(store: Scraped) -> None:
    checks = audit(store.url).checks
    answers = {query: store.ask(query) for query in {promql(check, store.job) for check in checks}}

    assert len(answers) > 30
    assert len({check.right for check in checks}) > 5
    for check in checks:
        query = promql(check, store.job)
        assert sum(answers[query].values()) == check.right, (store.job, check, query)


def promql(check: Check, job: str) -> str:
    """What an equation of the audit has on its left, as a query; a priority has no series before its first job."""
    equation, _, priority = check.equation.rpartition(", ")
    left = (equation or priority).partition(" = ")[0]
    only = f'job="{job}",type="{check.type}"' + (f',priority="{priority}"' if equation else "")
    return " + ".join(f"sum({series_of(name)}{{{only}}})" for name in left.split(" + "))


def series_of(name: str) -> str:
    """The series of an attribute of the catalog; of a histogram, that of its count."""
    attribute = NAMES.get(name, name)
    (one,) = (one for one in CATALOG if one.attribute == attribute)
    return f"{one.series}_count" if one.kind is Kind.HISTOGRAM else one.series


def the_text_has_the_same_samples(store: Scraped) -> None:
    """Prometheus asks for OpenMetrics; whoever asks for text is told the same."""
    answer = httpx.get(f"http://{store.target}/metrics", headers={"accept": "text/plain;version=0.0.4"}, timeout=30)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name.startswith("jobs_") and sample.name != OF_THE_READ
    }
    kept = of_the_store(store.prometheus, store.job, store.target, store.at)
    assert len(kept) > 200
    assert kept == told
    units = store.prometheus.api("metadata", metric="jobs_wait_duration_seconds")["jobs_wait_duration_seconds"]
    assert {one["unit"] for one in units} == {"seconds"}  # only OpenMetrics tells units


def of_the_store(prometheus: Prometheus, job: str, target: str, at: float) -> dict[tuple[str, Labels], float]:
    """Every sample of a target that is the store's, by name and labels; the time of the read is of no store."""
    query = f'{{job="{job}",instance="{target}",__name__=~"jobs_.+",__name__!="{OF_THE_READ}"}}'
    found: dict[tuple[str, Labels], float] = {}
    for sample in prometheus.api("query", query=query, time=f"{at:.3f}")["result"]:
        own = {name: value for name, value in sample["metric"].items() if name not in {"__name__", "job", "instance"}}
        found[sample["metric"]["__name__"], labels(**own)] = float(sample["value"][1])
    return found


def what_is_of_the_process_says_so(store: Scraped) -> None:
    foreign = f'{{job="{store.job}",__name__!~"jobs_.+|jobledger_process_.+|scrape_.+|up"}}'
    assert store.ask(foreign) == {}
    assert store.ask(f'{{job="{store.job}",__name__=~"jobledger_process_.+",__name__!~".*_created"}}')


def exemplars_lead_to_a_job(store: Scraped) -> None:
    for name in ("duration", "processing", "wait_duration"):
        series = f'jobs_{name}_seconds_bucket{{job="{store.job}",type="report.render"}}'
        found = [one for each in store.prometheus.exemplars(series, store.at) for one in each["exemplars"]]
        assert {"job_id": store.last, "trace_id": TRACE} in [one["labels"] for one in found], (series, found)


def the_identity_held_in_every_scrape(store: Scraped) -> None:
    """While the store was worked on, and with the query that the documentation gives."""
    (query,) = (recipe for title, recipe in recipes().items() if title.startswith("The first identity"))
    window = {"start": f"{store.at - 60:.3f}", "end": f"{store.at:.3f}", "step": f"{store.prometheus.interval}"}
    broken, held = (
        store.prometheus.api("query_range", query=asked, **window)["result"]
        for asked in (query, query.replace("!= 0", "== 0"))
    )
    ours = [one for one in held if one["metric"]["job"] == store.job]
    assert broken == []
    assert {one["metric"]["type"] for one in ours} == {*TYPES}
    assert min(len(one["values"]) for one in ours) >= SCRAPES


def every_recipe_answers(store: Scraped) -> None:
    for title, query in recipes().items():
        if not title.startswith(("The first identity", "Somebody scrapes")):
            assert store.ask(query), title


def one_store_is_the_same_from_every_endpoint(store: Scraped, targets: list[str]) -> None:
    at = store.prometheus.until_scraped("twice", after=audit(store.url).as_of / 1e6, targets=len(targets))
    first, other = (of_the_store(store.prometheus, "twice", target, at) for target in targets)
    assert first == other == of_the_store(store.prometheus, store.job, store.target, store.at)
    since = store.prometheus.ask('jobledger_process_start_time_seconds{job="twice"}', at)
    assert len({*since.values()}) == 2


def scraping_it_twice_is_noticed(prometheus: Prometheus) -> None:
    until_blocking(prometheus.firing, "an alert fires", PATIENCE)
    (alert,) = prometheus.alerts()
    assert alert["labels"] == {"alertname": "JobledgerStoreScrapedTwice", "job": "twice", "severity": "ticket"}
    assert alert["annotations"]["summary"] == "twice: 2 targets show the same store"
