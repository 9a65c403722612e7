"""Every alert fires of its incident, and of no near miss; promtool plays both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jobledger._core.alerts import ALERTS, PREFIX
from tests.observability.rules.outcomes import OUTCOMES
from tests.observability.rules.promtool import played, promtool, rendered
from tests.observability.rules.trust import TRUST
from tests.observability.rules.waiting import WAITING
from tests.observability.rules.workers import WORKERS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.observability.rules.case import Case

CASES = [*WAITING, *OUTCOMES, *WORKERS, *TRUST]


@pytest.mark.debian("prometheus", "promtool")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}: {case.name}")
def test_the_right_alerts_fire(case: Case, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(rendered(*case.options))
    (tmp_path / "case.json").write_text(json.dumps(played(case)))

    tested = promtool("test", "rules", "case.json", folder=tmp_path)

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_has_an_incident_and_a_near_miss(alert: object) -> None:
    name = getattr(alert, "name", "").removeprefix(PREFIX)
    ours = [case for case in CASES if case.alert == name]

    assert [case for case in ours if name in case.fires and case.says]
    assert [case for case in ours if name not in case.fires]
