"""What `top` says would fire is what Prometheus fires: the same incidents and near misses, played to both.

A case is what Prometheus scrapes, once a minute. Here it is what a store has, with a sample of the totals every minute.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from jobledger._core import catalog
from jobledger._core.alerts import ALERTS, PREFIX
from jobledger._core.catalog import BOUNDARIES
from jobledger._core.deltas import Cell
from jobledger._core.samples import TotalsAt
from jobledger._core.thresholds import MINUTE, TIMES, Thresholds
from jobledger._metrics.overview.evidence import Evidence
from jobledger._metrics.overview.history import History
from jobledger._metrics.overview.judge import Judge
from jobledger._metrics.overview.point import Point
from jobledger._metrics.overview.rules import NOT_HERE, OF_STORE, OF_TYPE
from jobledger._types import micros
from jobledger.cli.export.thresholds import thresholds_of
from tests.observability.rules.case import AS_OF, calm
from tests.observability.rules.outcomes import OUTCOMES
from tests.observability.rules.trust import TRUST
from tests.observability.rules.waiting import WAITING
from tests.observability.rules.workers import WORKERS

if TYPE_CHECKING:
    from jobledger._metrics.observed import Seen
    from jobledger._types import Micros
    from tests.observability.rules.case import Case

TYPES: Final = ("email.send", "import.csv", "report.render")
LABELS: Final = dict(enumerate(TYPES))
ELSEWHERE: Final = frozenset(alert.name.removeprefix(PREFIX) for alert in NOT_HERE)
LOOKED: Final = 16
"""Minutes that `top` runs before somebody looks at it: longer than any alert has to hold."""
Key: TypeAlias = tuple[str, str, str, str]
"""A series: name, type, priority or state, and boundary."""
_SERIES: Final = re.compile(r"(\w+)\{(.*)\}")
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
_IN_LEDGER: Final = {one.series: one for one in catalog.CATALOG if one.source == "ledger"}
_BESIDE: Final = {one.series for one in catalog.CATALOG if one.source != "ledger"}
_WITHIN: Final = BOUNDARIES.index(30)


class Scraped:
    """The series of a case, minute by minute."""

    def __init__(self, case: Case) -> None:
        self._series: list[tuple[Key, list[str]]] = []
        for full, values in case.series.items():
            found = _SERIES.fullmatch(full)
            assert found
            labels = defaultdict(str, _LABEL.findall(found[2]))
            if labels["job"] == "jobs" and not labels["namespace"]:
                state = labels["priority"] or labels["state"]
                self._series.append(((found[1], labels["type"], state, labels["le"]), values.split()))

    def at(self, minute: int) -> dict[Key, float]:
        """What is scraped; of two targets the higher value."""
        found: dict[Key, float] = {}
        for key, values in self._series:
            if minute < len(values) and values[minute] not in {"stale", "_"}:
                found[key] = max(found.get(key, float("-inf")), float(values[minute]))
        return found

    def total(self, minute: int) -> TotalsAt | None:
        """The totals of a minute, unless nothing was scraped."""
        seen = self.at(minute)
        as_of = seen.get((AS_OF, "", "", ""))
        if as_of is None:
            return None
        cells: dict[Cell, Any] = {}
        for (name, type_, _, bound), value in seen.items():
            if type_ not in TYPES:
                continue
            type_id = TYPES.index(type_)
            late = Cell(catalog.WAIT.number, type_id, 0, len(BOUNDARIES))
            if name in _IN_LEDGER:
                _add(cells, Cell(_IN_LEDGER[name].number, type_id, 0, 0), value)
            elif name == f"{catalog.WAIT.series}_count":
                _add(cells, late, value)
            elif name == f"{catalog.WAIT.series}_bucket" and bound == "30.0":
                _add(cells, late, -value)
                _add(cells, late._replace(cell=_WITHIN), value)
        return TotalsAt(micros(as_of), cells)

    def observed(self, minute: int) -> dict[str, Seen]:
        """What is found beside the ledger."""
        tables: dict[str, Seen] = {}
        for (name, type_, state, _), value in self.at(minute).items():
            if name in _BESIDE:
                label: Any = (("type", type_),) if type_ else (("state", state),) if state else ()
                tables.setdefault(name, {})[label] = value
        return tables


def _add(cells: dict[Cell, Any], cell: Cell, value: float) -> None:
    cells[cell] = cells.get(cell, 0) + value


class Watcher:
    """`top` in front of a store that goes through a case."""

    def __init__(self, case: Case) -> None:
        self._scraped = Scraped(case)
        words = dict(zip(case.options[::2], case.options[1::2], strict=True))
        given: dict[str, Any] = {
            name: value if name in TIMES else float(value)
            for option, value in words.items()
            if (name := option.removeprefix("--").replace("-", "_")) in Thresholds.__struct_fields__
        }
        self._judge = Judge(thresholds_of(given), store="jobs")
        self._history = History(self._first_from, self._point)
        self._totals: dict[int, TotalsAt | None] = {}
        self._last = case.at

    def look(self, minute: int) -> dict[tuple[str, str | None], tuple[str, str]]:
        """What stands at a minute: states and summaries."""
        total = self._total(minute)
        if total is None:
            return {}
        self._last = minute
        point = self._point(total)
        self._history.see(point)
        seen = Evidence(point, self._scraped.observed(minute), self._history)
        verdict = self._judge.judge(seen, TYPES, BOUNDARIES)
        return {
            (one.alert.removeprefix(PREFIX), one.type): (one.state, one.summary)
            for one in verdict.standing
        }  # fmt: skip

    def _total(self, minute: int) -> TotalsAt | None:
        if minute not in self._totals:
            self._totals[minute] = self._scraped.total(minute)
        return self._totals[minute]

    def _first_from(self, at: Micros) -> TotalsAt | None:
        first = max(int(at / micros(MINUTE)), 0)
        totals = (self._total(minute) for minute in range(first, self._last + 1))
        return next((total for total in totals if total is not None and total.at >= at), None)

    @staticmethod
    def _point(total: TotalsAt) -> Point:
        return Point(total.at, total.cells, LABELS, BOUNDARIES)


CASES: Final = [
    case
    for case in (*WAITING, *OUTCOMES, *WORKERS, *TRUST)
    if case.alert not in ELSEWHERE and Scraped(case).total(case.at) is not None
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}: {case.name}")
def test_it_fires_what_prometheus_fires(case: Case) -> None:
    watcher = Watcher(case)
    for minute in range(max(case.at - LOOKED, 0), case.at):
        watcher.look(minute)
    standing = watcher.look(case.at)
    fires = {name for (name, _), (state, _) in standing.items() if state == "firing"}
    assert fires == {*case.fires} - ELSEWHERE
    if case.says:
        assert case.says in {text for (name, _), (_, text) in standing.items() if name == case.alert}


def test_every_alert_is_judged_or_said_not_to_be() -> None:
    assert {*OF_TYPE, *OF_STORE, *NOT_HERE} == {*ALERTS}
    assert {alert for alert in ALERTS if "{by_type}" in alert.expr} == {*OF_TYPE}


def test_every_judged_alert_has_an_incident_and_a_near_miss() -> None:
    for alert in (*OF_TYPE, *OF_STORE):
        name = alert.name.removeprefix(PREFIX)
        ours = [case for case in CASES if case.alert == name]
        assert [case for case in ours if name in case.fires and case.says]
        assert [case for case in ours if name not in case.fires]


def test_the_calm_system_has_the_types_of_this_test() -> None:
    assert {labels["type"] for name in calm() if "type" in (labels := dict(_LABEL.findall(name)))} == {*TYPES}
