"""The alerts are rendered from the catalog, whatever the options."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest

from jobledger._config import SERIES_BUDGET
from jobledger._core.alerts import ALERTS, DLQ_GROWING, OLDEST_READY_JOB_TOO_OLD, PREFIX, SERIES_OVERFLOW, Alert
from jobledger._core.catalog import BOUNDARIES, CATALOG, Kind
from jobledger._core.commands import UserDelta
from jobledger._core.thresholds import DEFAULTS, TIMES, Thresholds, checked, span
from jobledger._metrics.alerts import Rendering, chosen, rule_file
from jobledger._metrics.rule_file import yaml_text
from jobledger._metrics.selector import Matcher
from jobledger._metrics.snapshot import Snapshot
from jobledger._metrics.text import prometheus_text
from jobledger._store.contract import Declaration
from jobledger.errors import InvalidOption
from tests.desk import Desk
from tests.observability.plain_yaml import loaded

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger._metrics.alerts import Rule

NAMES = {one.series: one for one in CATALOG}
SERIES = re.compile(r"\bjobs_[a-z_]+\b")


def rules(rendering: Rendering = Rendering()) -> list[Rule]:  # noqa: B008 - frozen
    return [rule for group in rule_file(ALERTS, rendering).groups for rule in group.rules]


def expr(alert: Alert, rendering: Rendering = Rendering()) -> str:  # noqa: B008 - as above
    return rule_file([alert], rendering).groups[0].rules[0].expr


# What every alert has


def test_names_are_unique_and_those_of_a_group_stand_together() -> None:
    assert len({alert.name for alert in ALERTS}) == len({alert.runbook for alert in ALERTS}) == len(ALERTS)
    groups = [alert.group for alert in ALERTS]
    assert sorted(groups, key=list(dict.fromkeys(groups)).index) == groups


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_expression_names_instruments_and_no_series(alert: Alert) -> None:
    assert alert.name.startswith(PREFIX)
    assert "jobs_" not in alert.expr
    named = {re.sub(r"_(bucket|count)$", "", one) for one in SERIES.findall(expr(alert))}
    assert named == {one.series for one in alert.reads}
    assert named <= NAMES.keys()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.alert)
def test_a_rule_says_of_which_type_or_store_it_is(rule: Rule) -> None:
    by_type = "by (job, type)" in rule.expr
    for text in (rule.annotations["summary"], rule.annotations["description"]):
        assert not re.sub(r"{{ \$(labels\.(type|job)|value) .*?}}", "", text).count("{")
    assert ("{{ $labels.type }}" in rule.annotations["summary"]) == by_type
    assert ("{{ $labels.job }}" in rule.annotations["summary"]) != by_type
    assert set(rule.annotations) == {"summary", "description", "runbook_url"}
    assert rule.labels["severity"] in {"page", "ticket"}
    assert re.fullmatch(r"\d+[smh]", rule.lasting)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.alert)
def test_only_labels_that_a_series_has_are_selected(rule: Rule) -> None:
    for name, inside in re.findall(r"\b(jobs_[a-z_]+){(.*?)}", rule.expr):
        instrument = NAMES[re.sub(r"_(bucket|count)$", "", name)]
        assert set(re.findall(r"(\w+)=", inside)) <= {*instrument.labels, "le"}


def test_the_boundary_is_written_as_it_is_scraped(store_path: Path) -> None:
    desk = Desk(store_path, (Declaration("email", "email"),))
    text = prometheus_text(Snapshot(desk.store.ledger())).decode()
    for bound in BOUNDARIES:
        rendered = "\n".join(rule.expr for rule in rules(Rendering(thresholds=Thresholds(slo_wait=bound))))
        (le,) = set(re.findall(r'le="[^"]*"', rendered))
        assert re.search(rf"^jobs_wait_duration_seconds_bucket{{.*{re.escape(le)}", text, re.MULTILINE)


# The file


def test_the_file_says_what_the_rules_say() -> None:
    awkward = Rendering(
        labels=(("team", 'say "yes"'), ("tier", "1"), ("on", "on"), ("empty", " a  b "), ("long", "x" * 200)),
        runbooks="https://wiki.example/a path: #1/",
        matchers=(Matcher.parsed('job=~shop|"\\d'),),
    )
    for rendering in (Rendering(), awkward):
        file = rule_file(ALERTS, rendering)
        assert loaded(yaml_text(file)) == json.loads(msgspec.json.encode(file))
        assert yaml_text(file) == yaml_text(rule_file(ALERTS, rendering))


def test_a_text_that_would_not_survive_folding_is_quoted() -> None:
    text = "x" * 60 + "  " + "y" * 60  # two spaces where the line would be cut
    file = rule_file([DLQ_GROWING], Rendering(labels=(("note", text),)))
    assert loaded(yaml_text(file))["groups"][0]["rules"][0]["labels"]["note"] == text


# What options change


def test_thresholds_appear_where_they_belong() -> None:
    for name in Thresholds.__struct_fields__:
        value = getattr(DEFAULTS, name)
        other = (
            60.0 if name == "slo_wait" else 0.98 if name == "slo_target" else value * 2 if value < 0.5 else value + 60
        )
        changed = msgspec.structs.replace(DEFAULTS, **{name: other})
        assert rule_file() != rule_file(rendering=Rendering(thresholds=changed)), name


def test_stores_are_told_apart_by_the_given_labels() -> None:
    assert expr(DLQ_GROWING, Rendering(store_labels=("job", "namespace"))).startswith("sum by (job, namespace, type) (")
    assert expr(DLQ_GROWING, Rendering(store_labels=())).startswith("sum by (type) (")
    alone = rule_file([SERIES_OVERFLOW], Rendering(store_labels=())).groups[0].rules[0]
    assert alone.expr == "max by () (jobs_series_overflowed) > 0"
    assert alone.annotations["summary"].startswith("the store: ")


def test_a_matcher_applies_where_the_series_has_the_label() -> None:
    found = expr(OLDEST_READY_JOB_TOO_OLD, Rendering(matchers=(Matcher("type", "=", "a"), Matcher("job", "!=", "b"))))
    assert 'jobs_ledger_as_of_timestamp_seconds{job!="b"} - ' in found
    assert 'jobs_oldest_ready_timestamp_seconds{type="a",job!="b"}' in found


@pytest.mark.parametrize(
    ("given", "matcher"),
    [
        ("job=shop", 'job="shop"'),
        ("type=~report[.].*", 'type=~"report[.].*"'),
        ("type!=a=b", 'type!="a=b"'),
        ("type!~a|b", 'type!~"a|b"'),
        ('type=say "a\\b"', r'type="say \"a\\b\""'),
    ],
)
def test_matchers(given: str, matcher: str) -> None:
    assert str(Matcher.parsed(given)) == matcher


@pytest.mark.parametrize("given", ["job", "=a", "9=a", "le=1", "state=used", "status=x", "__name__=x", "type=~("])
def test_what_is_no_matcher(given: str) -> None:
    with pytest.raises(InvalidOption, match="--match"):
        Matcher.parsed(given)


def test_alerts_are_chosen_by_name_in_their_own_order() -> None:
    assert chosen() == ALERTS
    assert chosen(["DlqGrowing", "JobledgerOldestReadyJobTooOld"]) == (OLDEST_READY_JOB_TOO_OLD, DLQ_GROWING)
    assert chosen(without=["DlqGrowing"]) == tuple(alert for alert in ALERTS if alert is not DLQ_GROWING)
    with pytest.raises(InvalidOption, match="JobledgerDlqGrowing"):
        chosen(["DlqGrow"])
    with pytest.raises(InvalidOption, match="JobledgerDlqGrowing"):
        chosen(without=["DlqGrow"])
    with pytest.raises(InvalidOption, match="no alert is left"):
        chosen(["DlqGrowing"], ["DlqGrowing"])


# What is refused


@pytest.mark.parametrize("name", [name for name in Thresholds.__struct_fields__ if name != "slo_wait"])
@pytest.mark.parametrize("value", [-1, 0.00001, float("nan"), float("inf"), 1e12])
def test_a_threshold_has_a_range(name: str, value: float) -> None:
    if name in {"failure_ratio", "retry_ratio"} and value == 0.00001:
        return
    with pytest.raises(InvalidOption, match=rf"--{name.replace('_', '-')} must be from"):
        checked(msgspec.structs.replace(DEFAULTS, **{name: value}), BOUNDARIES)


@pytest.mark.parametrize(
    ("wanted", "near"), [(45, "use 30s or 1m;"), (0.0001, "use 1ms;"), (90_000, "use 1d;"), (float("nan"), "use 1d;")]
)
def test_a_wait_that_is_no_boundary_is_told_the_nearest(wanted: float, near: str) -> None:
    with pytest.raises(InvalidOption, match=near):
        checked(Thresholds(slo_wait=wanted), BOUNDARIES)
    assert checked(Thresholds(slo_wait=45), (15, 45)).slo_wait == 45


def test_prometheus_knows_whole_milliseconds() -> None:
    with pytest.raises(InvalidOption, match="whole milliseconds"):
        checked(Thresholds(stalled=61.0005), BOUNDARIES)
    assert checked(Thresholds(stalled=61.001), BOUNDARIES).stalled == 61.001


@pytest.mark.parametrize(
    ("rendering", "why"),
    [
        (Rendering(store_labels=("type",)), "--by type"),
        (Rendering(store_labels=("a-b",)), "can't be a label"),
        (Rendering(labels=(("severity", "x"),)), "--label severity"),
        (Rendering(labels=(("job", "x"),)), "--label job"),
        (Rendering(labels=(("__x", "x"),)), "can't be a label"),
        (Rendering(labels=(("x", "{{ $value }}"),)), "template"),
        (Rendering(labels=(("x", "a\nb"),)), "can't be printed"),
        (Rendering(runbooks="\x07"), "can't be printed"),
        (Rendering(matchers=(Matcher("job", "=", "\udcff"),)), "can't be printed"),
    ],
)
def test_what_prometheus_would_not_load_is_refused(rendering: Rendering, why: str) -> None:
    with pytest.raises(InvalidOption, match=re.escape(why)):
        rule_file(ALERTS, rendering)


def test_defaults_make_sense() -> None:
    assert checked(DEFAULTS, BOUNDARIES) is DEFAULTS
    assert all(isinstance(getattr(DEFAULTS, name), float) for name in TIMES)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5400, "1h30m"), (0.25, "250ms"), (0.0025, "2.5ms"), (90_061, "1d1h1m1s"), (0, "0ms"), (61.5, "1m1s500ms")],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert span(seconds) == text


# The series that was made for an alert


def test_what_is_beyond_the_budget_of_labels_is_counted(store_path: Path) -> None:
    names = ("a", "b", "c", "d")
    desk = Desk(store_path, tuple(Declaration(name, name) for name in names), budget=2)
    assert Snapshot(desk.store.ledger()).value(NAMES["jobs_series_overflowed"]) == 2
    deltas = tuple(
        UserDelta("sent_total", Kind.COUNTER, (("to", f"user {number}"),), 1_000_000)
        for number in range(SERIES_BUDGET + 5)
    )
    desk.count(*deltas)
    assert Snapshot(desk.store.ledger()).value(NAMES["jobs_series_overflowed"]) == 3


# Prometheus itself


@pytest.mark.debian("prometheus", "promtool")
@pytest.mark.parametrize(
    "rendering",
    [
        Rendering(),
        Rendering(store_labels=()),
        Rendering(
            store_labels=("job", "namespace"),
            matchers=(Matcher.parsed("type!=a"), Matcher.parsed('job=~shop|"\\\\d')),
            labels=(("team", 'say "yes"'), ("tier", "1"), ("hex", "0x1f"), ("word", "on")),
            thresholds=Thresholds(stalled=61.001, oldest_ready=0.5 + 1, slo_wait=0.0025, slo_target=0.9999),
        ),
    ],
)
def test_promtool_takes_the_file(rendering: Rendering, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(yaml_text(rule_file(ALERTS, rendering)))
    ended = subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"SUCCESS: {len(ALERTS)} rules found" in ended.stdout
