"""``export alerts``."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from jobledger import App
from jobledger._core.alerts import ALERTS
from jobledger._core.thresholds import DEFAULTS, TIMES, span
from jobledger._metrics.alerts import rule_file
from jobledger._metrics.rule_file import yaml_text
from jobledger.cli.commands import cli
from jobledger.cli.export.spans import seconds_of
from jobledger.errors import InvalidOption
from tests.observability.plain_yaml import loaded

if TYPE_CHECKING:
    from typer.testing import Result


def export(*words: str) -> Result:
    return CliRunner().invoke(cli, ["export", "alerts", *words], prog_name="jobledger")


def exported(*words: str) -> dict[str, dict[str, str]]:
    """The rules by name, as data."""
    result = export("--json", *words)
    assert result.exit_code == 0, result.output
    return {rule["alert"]: rule for group in json.loads(result.stdout)["groups"] for rule in group["rules"]}


def test_it_needs_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBLEDGER_URL", "sqlite:////nowhere/jobs.db")
    assert export().stdout == yaml_text(rule_file())


def test_json_is_the_same_as_data() -> None:
    assert json.loads(export("--json").stdout) == loaded(export().stdout)
    assert list(exported()) == [alert.name for alert in ALERTS]


def test_the_help_tells_every_default() -> None:
    text = " ".join(export("--help").stdout.split())
    for name in DEFAULTS.__struct_fields__:
        value = getattr(DEFAULTS, name)
        shown = span(value) if name in TIMES else f"{value:g}"
        option = f"--{name.replace('_', '-')} "
        assert f"[default: {shown}]" in text.partition(option)[2].partition(" --")[0], name


@pytest.mark.parametrize(
    ("words", "alert", "part"),
    [
        (("--oldest-ready", "1h30m"), "OldestReadyJobTooOld", "> 5400"),
        (("--stalled", "10m"), "WorkersStalled", "[10m]))"),
        (("--slo-wait", "250ms"), "WaitSloFastBurn", 'le="0.25"'),
        (("--slo-wait", "5"), "WaitSloSlowBurn", 'le="5.0"'),
        (("--slo-target", "0.999"), "WaitSloFastBurn", "> 0.0144"),
        (("--failure-ratio", "0.2"), "FailureRatioHigh", "> 0.2"),
        (("--retry-ratio", "2"), "RetryStorm", "> 2 * sum"),
        (("--min-attempts", "50"), "FailureRatioHigh", ">= 50"),
        (("--collapse", "0.25"), "ThroughputCollapsed", "< 0.25 * sum"),
        (("--dlq-growth", "5"), "DlqGrowing", ">= 5"),
        (("--dlq-unattended", "2d"), "DlqNotFalling", "offset 2d"),
        (("--losses", "3"), "WorkerLosses", ">= 3"),
        (("--hung", "1h"), "HungJob", "> 3600"),
        (("--stale", "5m"), "BooksStale", "> 300"),
        (("--by", "namespace", "--by", "job"), "DlqGrowing", "by (namespace, job, type)"),
        (("--one-store",), "DlqGrowing", "by (type)"),
        (("--match", "type=a", "--match", "job!=b"), "DlqGrowing", 'jobs_dead_lettered_total{type="a",job!="b"}'),
    ],
)
def test_options_change_the_expression(words: tuple[str, ...], alert: str, part: str) -> None:
    assert part in exported(*words)[f"Jobledger{alert}"]["expr"]
    assert part not in exported()[f"Jobledger{alert}"]["expr"]


def test_options_change_the_rest() -> None:
    words = ("--unhandled", "90s", "--label", "team=a=b", "--label", "tier=1", "--runbooks", "https://wiki/run/")
    rule = json.loads(export("--json", "--only", "NoWorkerForType", *words).stdout)["groups"][0]["rules"][0]
    assert rule["for"] == "1m30s"
    assert rule["labels"] == {"severity": "page", "team": "a=b", "tier": "1"}
    assert rule["annotations"]["runbook_url"] == "https://wiki/run/no-worker-for-type.md"


def test_some_alerts_only() -> None:
    assert list(exported("--only", "DlqNotFalling", "--only", "JobledgerDlqGrowing")) == [
        "JobledgerDlqGrowing",
        "JobledgerDlqNotFalling",
    ]
    assert len(exported("--without", "SeriesOverflow")) == len(ALERTS) - 1


def test_the_ladder_of_a_store_of_its_own(url: str) -> None:
    async def make() -> None:
        async with App(url, boundaries=(1, 45)):
            pass

    asyncio.run(make())
    refused = export("--slo-wait", "45s")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "use 30s or 1m" in refused.stderr
    assert 'le="45.0"' in exported("--slo-wait", "45s", "--url", url)["JobledgerWaitSloFastBurn"]["expr"]
    assert "use 1s or 45s" in export("--url", url).stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--oldest-ready", "soon"), "such as 30s, 5m, 1h30m or 250ms"),
        (("--oldest-ready", ""), "such as 30s"),
        (("--oldest-ready", "0s"), "--oldest-ready must be from 1s to 30d, not 0ms"),
        (("--slo-target", "1"), "--slo-target must be from 0.95"),
        (("--slo-target", "nan"), "--slo-target must be from 0.95"),
        (("--losses", "0"), "--losses must be from 1"),
        (("--only", "DlqGrow"), "use JobledgerDlqGrowing"),
        (("--only", "DlqGrowing", "--without", "DlqGrowing"), "no alert is left"),
        (("--by", "instance"), "does not tell one store from another"),
        (("--one-store", "--by", "job"), "leave --by out"),
        (("--match", "type"), "such as job=shop"),
        (("--label", "team"), "such as team=shop"),
        (("--label", "team="), "such as team=shop"),
        (("--label", "severity=page"), "choose another name"),
    ],
)
def test_bad_values_are_told_and_print_no_rules(words: tuple[str, ...], why: str) -> None:
    result = export(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert why in result.stderr
    assert why in json.loads(export("--json", *words).stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("2.5", 2.5), ("30s", 30), ("5m", 300), ("5min", 300), ("1h30m", 5400), ("250ms", 0.25),
     ("2.5ms", 0.0025), ("1d", 86_400), ("1w", 604_800)],
)  # fmt: skip
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert seconds_of(text, "--x") == seconds


@pytest.mark.parametrize("text", ["", "s", "5 m", "-5m", "1e3", "5x", "nan", "inf", "٣s", "9" * 30, "1m" * 20, "5m\n"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(InvalidOption, match="--x must be a length of time"):
        seconds_of(text, "--x")
