"""When which alert fired, as Prometheus has noted it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobledger._core.alerts import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.observability.prometheus import Prometheus


@dataclass(frozen=True)
class Firing:
    """One alert of one deployment: the first and the last moment at which it fired, in seconds since 1970."""

    name: str
    severity: str
    first: float
    last: float


def firing_now(prometheus: Prometheus, job: str) -> set[str]:
    """The alerts of a deployment that fire at this moment."""
    return {
        _name(alert["labels"])
        for alert in prometheus.alerts()
        if alert["state"] == "firing" and alert["labels"]["job"] == job
    }


def fired(prometheus: Prometheus, job: str, begin: float, end: float) -> list[Firing]:
    """All alerts that fired between two moments, in order of their first one."""
    series = prometheus.api(
        "query_range",
        query=f'ALERTS{{alertstate="firing",job="{job}"}}',
        start=f"{begin:.3f}", end=f"{end:.3f}", step=f"{prometheus.interval}",
    )["result"]  # fmt: skip
    found = [
        Firing(_name(one["metric"]), one["metric"]["severity"], one["values"][0][0], one["values"][-1][0])
        for one in series
    ]
    return sorted(found, key=lambda one: (one.first, one.name))


def _name(labels: Mapping[str, str]) -> str:
    return " ".join(filter(None, (labels["alertname"].removeprefix(PREFIX), labels.get("type"))))
