"""``jobledger export alerts``: the rules that Prometheus loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from jobledger._core.catalog import BOUNDARIES
from jobledger._metrics.alerts import RUNBOOKS, STORE_LABELS, Rendering, chosen, rule_file
from jobledger._metrics.rule_file import yaml_text
from jobledger._metrics.selector import Matcher
from jobledger.cli.export import thresholds as of
from jobledger.cli.options import JsonOption
from jobledger.cli.session import Session, reported
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from jobledger.app import App

EPILOG = """\b
Examples:
  jobledger export alerts > jobledger.yml
  jobledger export alerts --oldest-ready 10m --slo-wait 5s --slo-target 0.999
  jobledger export alerts --only DlqGrowing --only DlqNotFalling
  jobledger export alerts --match type=report.render --oldest-ready 2h
  jobledger export alerts --label team=shop --runbooks https://wiki/runbooks
  jobledger export alerts --json | jq -r '.groups[].rules[].alert'"""
_LADDER = "Take the histograms' boundaries from this store"

Only: TypeAlias = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this alert; may be repeated.")]
Without: TypeAlias = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Not this one; may be repeated.")]
By: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="LABEL", help=f"Tells stores apart; may be repeated. [default: {STORE_LABELS[0]}]"),
]
OneStore: TypeAlias = Annotated[bool, typer.Option("--one-store", help="This Prometheus scrapes only one store.")]
Match: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="LABEL=VALUE", help="Only such series; may be repeated.")
]
Extra: TypeAlias = Annotated[
    list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="Put on every alert; may be repeated.")
]
Runbooks: TypeAlias = Annotated[str, typer.Option(metavar="URL", help="Where the runbooks are.")]
AppOption: TypeAlias = Annotated[str | None, typer.Option("--app", metavar="MODULE:ATTR", help=f"{_LADDER}'s App.")]
UrlOption: TypeAlias = Annotated[str | None, typer.Option("--url", metavar="URL", help=f"{_LADDER}.")]


def alerts(
    *,
    only: Only = None,
    without: Without = None,
    oldest_ready: of.OldestReady = None,
    oldest_parked: of.OldestParked = None,
    stalled: of.Stalled = None,
    unhandled: of.Unhandled = None,
    slo_wait: of.SloWait = None,
    slo_target: of.SloTarget = None,
    failure_ratio: of.FailureRatio = None,
    retry_ratio: of.RetryRatio = None,
    min_attempts: of.MinAttempts = None,
    collapse: of.Collapse = None,
    dlq_growth: of.DlqGrowth = None,
    dlq_unattended: of.DlqUnattended = None,
    losses: of.Losses = None,
    hung: of.Hung = None,
    stale: of.Stale = None,
    by: By = None,
    one_store: OneStore = False,
    match: Match = None,
    label: Extra = None,
    runbooks: Runbooks = RUNBOOKS,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print alerting rules for Prometheus.

    Each has a severity, page or ticket, and a runbook. It needs no store: --url is for one whose histograms have
    boundaries of their own. To give types thresholds of their own, print the rules twice, with --match.
    """
    given = {
        "oldest_ready": oldest_ready, "oldest_parked": oldest_parked, "stalled": stalled, "unhandled": unhandled,
        "slo_wait": slo_wait, "slo_target": slo_target, "failure_ratio": failure_ratio, "retry_ratio": retry_ratio,
        "min_attempts": min_attempts, "collapse": collapse, "dlq_growth": dlq_growth,
        "dlq_unattended": dlq_unattended, "losses": losses, "hung": hung, "stale": stale,
    }  # fmt: skip
    session = Session(app, url, as_json=as_json)

    def tell(ladder: tuple[float, ...]) -> None:
        rendering = Rendering(
            thresholds=of.thresholds_of(given),
            ladder=ladder,
            store_labels=_store_labels(by or [], one_store=one_store),
            matchers=tuple(map(Matcher.parsed, match or [])),
            labels=tuple(map(_label, label or [])),
            runbooks=runbooks,
        )
        file = rule_file(chosen(only or [], without or []), rendering)
        if as_json:
            session.out.data(file)
        else:
            session.out.exact(yaml_text(file))

    async def work(app: App) -> None:
        tell((await app.metrics.snapshot()).boundaries)

    if app or url:
        session.read(work)
        return
    with reported(session.out):
        tell(BOUNDARIES)


def _store_labels(by: list[str], *, one_store: bool) -> tuple[str, ...]:
    if one_store and by:
        raise InvalidOption("--one-store tells no stores apart: leave --by out")
    return () if one_store else tuple(by) or STORE_LABELS


def _label(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise InvalidOption(f"--label must be NAME=VALUE, such as team=shop, not {text!r}")
    return name, value
