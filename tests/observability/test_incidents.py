"""Incidents fire their alerts and no others; the full set is `make incidents`, see docs/incidents.md."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from jobledger._core.alerts import ALERTS, PREFIX
from tests.observability.incidents.__main__ import run
from tests.observability.incidents.report import table
from tests.observability.incidents.stories import EVERY_TYPE, INCIDENTS

PAGE = (Path(__file__).parents[2] / "docs" / "incidents.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([a-z ]*?) *\| (\w+(?: [a-z.]+)?) *\| (page|ticket|) *\|", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.debian("prometheus", "prometheus")
def test_they_fire_their_alerts_and_no_others(tmp_path: Path) -> None:
    chosen = [one for one in INCIDENTS if one.name in {"nothing at all", "poison job", "retry storm", "hot entity"}]
    verdicts = asyncio.run(run(chosen, 60, tmp_path))
    assert len(verdicts) == 4
    assert all(verdict.right for verdict in verdicts), table(verdicts, 60)


def test_they_speak_of_alerts_and_types_that_exist() -> None:
    known = {alert.name.removeprefix(PREFIX): "{type}" in alert.summary for alert in ALERTS}
    for incident in INCIDENTS:
        for name in (*incident.must, *incident.after, *incident.may):
            alert, _, type_ = name.partition(" ")
            assert known[alert] == bool(type_), name
            assert type_ in {"", "*", *EVERY_TYPE}, name


def test_every_alert_is_played_or_the_page_says_that_it_is_not() -> None:
    played = {PREFIX + name.partition(" ")[0] for one in INCIDENTS for name in (*one.must, *one.after)}
    rest = PAGE.partition("## What is not played")[2]
    assert {alert.name for alert in ALERTS} - played == set(re.findall(rf"{PREFIX}\w+", rest))


def test_the_page_has_every_incident_and_every_alert_that_it_must_fire() -> None:
    told: dict[str, set[str]] = {}
    name = ""
    for cell, alert, _ in ROW.findall(PAGE):
        name = cell or name
        told.setdefault(name, set()).add(alert)
    assert list(told)[-len(INCIDENTS) :] == [one.name for one in INCIDENTS]
    for one in INCIDENTS:
        assert {*one.must, *one.after} <= told[one.name], one.name
        assert f"| {one.name} | {one.told} |" in PAGE
