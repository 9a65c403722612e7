"""Every query of the dashboard that ships is asked of a real Prometheus, which watches a deployment at work."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from jobledger import App
from jobledger._runtime import node, upkeep
from jobledger.cli.export.grafana import dashboard
from tests.observability.deployment import Deployment
from tests.observability.endpoint import endpoint
from tests.observability.prometheus import PATIENCE, Labels, Prometheus
from tests.waiting import until_blocking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.debian("prometheus", "prometheus"), pytest.mark.timeout(180)]

BOARD: Final = dashboard()
AS_OF: Final = "jobs_ledger_as_of_timestamp_seconds"
INTERVAL: Final = 1.0
SOUND: Final = {
    "Findings of the last audit": "the books balance",
    "Types and own metrics beyond their budget": "there are few types",
    "Ledger rows to be folded": "nobody submits in a transaction of their own",
    "Event loop lag of the scraped process": "no handler blocks the loop",
}
"""Panels that show nothing but zeros, and why."""


def variables() -> dict[str, str]:
    """What Grafana puts into the queries of a dashboard that somebody opens."""
    found = {"__rate_interval": "2m", "__range": "5m"}
    for one in BOARD["templating"]["list"]:
        value = one.get("current", {}).get("value", "")
        found[one["name"]] = one["allValue"] if value == ["$__all"] else value
    return found


def filled(query: str) -> str:
    """A query as Grafana sends it."""
    text = re.sub(r"\$(\w+)", lambda found: variables()[found[1]], query)
    assert "$" not in text, query
    return text


def targets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each query, and the title of its panel."""
    for panel in BOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target


class Watched:
    """A Prometheus that scrapes one store twice: from `jobledger serve`, and from a worker.

    Attributes:
        moments: when both targets had shown what there was to see.
    """

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self.moments: list[float] = []

    def until_seen(self, now: float) -> None:
        """Wait until both targets show the store as it is now."""
        found: list[float] = []

        def both() -> bool:
            found.append(time.time())
            return len(self._prometheus.ask(f"{AS_OF} > {now:.6f}", found[-1])) == 2

        until_blocking(both, "both targets were scraped", PATIENCE)
        self.moments.append(found[-1])

    def answers(self, target: dict[str, Any]) -> list[tuple[Labels, float]]:
        """All that a query gives at these moments; a panel of numbers shows the last one only."""
        moments = self.moments[-1:] if target.get("instant") else self.moments
        query = filled(target["expr"])
        return [answer for moment in moments for answer in self._prometheus.ask(query, moment).items()]

    def exemplars(self, target: dict[str, Any]) -> list[Any]:
        """The exemplars that a query is shown with."""
        query = filled(target["expr"])
        found: list[Any] = self._prometheus.api(
            "query_exemplars", query=query, start=f"{self.moments[0] - 60:.3f}", end=f"{self.moments[-1] + 60:.3f}"
        )
        return [one for series in found for one in series["exemplars"]]

    def value(self, title: str) -> float:
        """What a panel with one query shows at the end, types added up."""
        (target,) = (target for of, target in targets() if of == title)
        return sum(self._prometheus.ask(filled(target["expr"]), self.moments[-1]).values())

    def choices(self, name: str) -> list[str]:
        """What a variable offers."""
        (query,) = (one["query"] for one in BOARD["templating"]["list"] if one["name"] == name)
        match = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
        assert match is not None
        found: list[str] = self._prometheus.api(f"label/{match[2]}/values", **{"match[]": filled(match[1])})
        return found


def test_every_query_answers(store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "SAMPLE_SECONDS", 0.2)
    monkeypatch.setattr(upkeep, "AUDIT_SECONDS", 0.2)
    url = f"sqlite:///{store_path}?durability=off"
    asyncio.run(lived(App(url)))
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        served = [stack.enter_context(endpoint(url)), f"127.0.0.1:{listener.getsockname()[1]}"]
        prometheus = stack.enter_context(Prometheus(tmp_path / "prometheus", {"shop": served}, interval=INTERVAL))
        watched = Watched(prometheus)
        asyncio.run(watch(Deployment(store_path, listener), watched))

        assert [f"{title}: {target['expr']}" for title, target in targets() if not told(watched, title, target)] == []
        asked = [target for _, target in targets() if target.get("exemplar")]
        assert [target["expr"] for target in asked if not watched.exemplars(target)] == []
        assert watched.choices("job") == ["shop"]
        assert watched.choices("type") == ["fax.send", "mail.send", "order.ship", "video.convert"]
        assert watched.value("Targets of the store") == 2
        asyncio.run(compare(App(url, read_only=True), watched))


def told(watched: Watched, title: str, target: dict[str, Any]) -> bool:
    """Whether a query tells something, and its legend what."""
    answers = [(dict(labels), value) for labels, value in watched.answers(target) if math.isfinite(value)]
    named = re.findall(r"{{(\w+)}}", target["legendFormat"])
    assert all(labels.get(name) for labels, _ in answers for name in named), (title, target["legendFormat"])
    return bool(answers) and (title in SOUND or any(value for _, value in answers))


async def lived(app: App) -> None:
    """Make the store: it can be served before there is a job."""
    async with app:
        pass


async def watch(deployment: Deployment, watched: Watched) -> None:
    async def seen() -> None:
        now = (await deployment.app.metrics.snapshot()).as_of
        await asyncio.to_thread(watched.until_seen, now)

    await deployment.live(seen)


async def compare(app: App, watched: Watched) -> None:
    """Two targets show the store, and nothing is counted twice."""
    async with app:
        jobs = app.metrics.jobs
        assert watched.value("Dead letters") == await jobs.dlq_size.read() > 0
        assert watched.value("Backlog") == await jobs.queue_depth.read() > 0
