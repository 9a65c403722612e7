"""Which of the shipped alerts would fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from jobledger._core.alerts import ALERTS, Alert, Severity
from jobledger._core.thresholds import DEFAULTS, MINUTE, Thresholds
from jobledger._metrics.alerts import RUNBOOKS, lasting, summary
from jobledger._metrics.overview.evidence import NotKnownError
from jobledger._metrics.overview.rules import NOT_HERE, OF_STORE, OF_TYPE
from jobledger._types import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jobledger._metrics.overview.evidence import Evidence
    from jobledger._types import Micros

    Rule: TypeAlias = Callable[[Evidence], float | None]

STORE: Final = "the store"
_WITHIN: Final = "wait_duration.within"
NO_HISTORY: Final = "no worker has left samples for the time that it looks at"


class Standing(msgspec.Struct, frozen=True):
    """An alert whose condition holds.

    Attributes:
        alert: its name.
        type: the label of the type that it is about; None for the whole store.
        state: ``firing`` if the condition has held for as long as the alert asks, else ``pending``: as Prometheus says.
        held: for how many seconds it is known to have held.
        lasting: for how many it must.
        value: what its expression gives.
        summary: what it says.
        runbook: the page that tells what to do.
    """

    alert: str
    severity: Severity
    type: str | None
    state: Literal["firing", "pending"]
    held: float
    lasting: float
    value: float
    summary: str
    runbook: str


class Unjudged(msgspec.Struct, frozen=True):
    """An alert that can't be judged, and why."""

    alert: str
    why: str


class Verdict(msgspec.Struct, frozen=True):
    """All alerts that hold, the worst first, and those that can't be judged."""

    standing: tuple[Standing, ...]
    unjudged: tuple[Unjudged, ...]


class Judge:
    """Judges a store again and again, and remembers since when something holds.

    Args:
        thresholds: what the alerts compare with.
        store: what the store is called in their texts.
    """

    def __init__(self, thresholds: Thresholds = DEFAULTS, store: str = STORE) -> None:
        """Nothing was seen."""
        self._thresholds = thresholds
        self._store = store
        self._since: dict[tuple[Alert, str | None], Micros] = {}

    def judge(self, seen: Evidence, types: Iterable[str], ladder: tuple[float, ...]) -> Verdict:
        """What would fire.

        Args:
            seen: the store as it is.
            types: the labels of its types.
            ladder: the boundaries of its histograms, in seconds.
        """
        labels = [*types]
        standing: list[Standing] = []
        unjudged = dict(NOT_HERE)
        before, self._since = self._since, {}
        for alert in ALERTS:
            if _WITHIN in alert.expr and self._thresholds.slo_wait not in ladder:
                unjudged[alert] = f"{self._thresholds.slo_wait:g} s is no boundary of this store's histograms"
                continue
            try:
                for label, rule in self._rules(alert, labels):
                    found = self._held(alert, label, rule, seen, before)
                    standing += [] if found is None else [found]
            except NotKnownError:
                unjudged[alert] = NO_HISTORY
        standing.sort(key=lambda one: (one.state != "firing", one.severity != "page"))
        return Verdict(tuple(standing), tuple(Unjudged(alert.name, why) for alert, why in unjudged.items()))

    def forget(self) -> None:
        """Begin anew: it may be another store."""
        self._since.clear()

    def _rules(self, alert: Alert, labels: Iterable[str]) -> Iterator[tuple[str | None, Rule]]:
        at = self._thresholds
        if alert in OF_STORE:
            of_store = OF_STORE[alert]
            yield None, lambda seen: of_store(seen, at)
        elif alert in OF_TYPE:
            of_type = OF_TYPE[alert]
            for label in labels:
                yield label, lambda seen, label=label: of_type(seen, at, label)  # type: ignore[misc]

    def _held(
        self,
        alert: Alert,
        label: str | None,
        rule: Rule,
        seen: Evidence,
        before: dict[tuple[Alert, str | None], Micros],
    ) -> Standing | None:
        value = rule(seen)
        if value is None:
            return None
        asked = lasting(alert, self._thresholds)
        since = self._since[alert, label] = before.get((alert, label), seen.at)
        held = max(seconds(seen.at - since), _held_before(rule, seen, asked))
        text = summary(alert, value, of=self._store if label is None else label, thresholds=self._thresholds)
        return Standing(
            alert.name, alert.severity, label, "firing" if held >= asked else "pending", held, asked, value, text,
            f"{RUNBOOKS}/{alert.runbook}",
        )  # fmt: skip


def _held_before(rule: Rule, seen: Evidence, asked: float) -> float:
    """For how long it has held, as far as the past is known and up to what the alert asks for, a minute at a time."""
    held = 0.0
    while held < asked:
        earlier = min(held + MINUTE, asked)
        try:
            if rule(seen.before(earlier)) is None:
                break
        except NotKnownError:
            break
        held = earlier
    return held
