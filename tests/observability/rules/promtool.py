"""A case as a file for `promtool test rules`; JSON is YAML too."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from jobledger._core.alerts import ALERTS, PREFIX
from jobledger.cli.commands import cli
from tests.observability.rules.case import AS_OF

if TYPE_CHECKING:
    from pathlib import Path

    from tests.observability.rules.case import Case

_BY_NAME = {alert.name: alert for alert in ALERTS}


@cache
def rendered(*options: str) -> str:
    """What `jobledger export alerts` prints."""
    result = CliRunner().invoke(cli, ["export", "alerts", *options], prog_name="jobledger")
    assert result.exit_code == 0, result.output
    return result.stdout


def promtool(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)


def played(case: Case) -> dict[str, Any]:
    """What promtool is to check: the alerts at one minute, and those of all minutes."""
    minute = f"{case.at}m"
    fired = sorted({*case.fires, *case.passed})
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{case.every}m",
        "tests": [
            {
                "name": case.name,
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in case.series.items()]
                or [{"series": f"unrelated_{AS_OF}", "values": "0x1"}],
                "promql_expr_test": [
                    {
                        "expr": 'ALERTS{alertstate="firing"}',
                        "eval_time": minute,
                        "exp_samples": [{"labels": _sample(name, case), "value": 1} for name in case.fires],
                    },
                    {
                        "expr": 'group by (alertname) (present_over_time(ALERTS{alertstate="firing"}[7d]))',
                        "eval_time": minute,
                        "exp_samples": [{"labels": f'{{alertname="{PREFIX}{name}"}}', "value": 1} for name in fired],
                    },
                ],
                "alert_rule_test": [_said(case)] if case.says else [],
            }
        ],
    }


def _said(case: Case) -> dict[str, Any]:
    labels = _labels(case.alert, case)
    return {
        "eval_time": f"{case.at}m",
        "alertname": PREFIX + case.alert,
        "exp_alerts": [{"exp_labels": labels, "exp_annotations": _annotations(case, labels)}],
    }


def _annotations(case: Case, labels: dict[str, str]) -> dict[str, str]:
    """The summary is the case's own; what else the rule says has no value in it, only labels."""
    groups = json.loads(rendered("--json", *case.options))["groups"]
    (rule,) = (rule for group in groups for rule in group["rules"] if rule["alert"] == PREFIX + case.alert)
    told = {
        name: re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], text)
        for name, text in rule["annotations"].items()
    }
    return told | {"summary": case.says}


def _labels(name: str, case: Case) -> dict[str, str]:
    alert = _BY_NAME[PREFIX + name]
    of_type = {"type": case.type} if "{by_type}" in alert.expr else {}
    return {"job": "jobs", **of_type, "severity": alert.severity}


def _sample(name: str, case: Case) -> str:
    labels = {"alertname": PREFIX + name, "alertstate": "firing", **_labels(name, case)}
    return f"ALERTS{{{','.join(f'{label}={json.dumps(value)}' for label, value in labels.items())}}}"
