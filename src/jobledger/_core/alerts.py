"""The alerts as data: what fires them, what they say, and which page tells what to do.

All texts are templates in the manner of ``str.format``. An expression names instruments by their attributes in the
catalog, thresholds by their attributes as ``at.…``, and the labels to group by as ``by_store`` and ``by_type``;
:mod:`jobledger._metrics.alerts` fills them in. Ages are taken from the store's own time of the same read, so that
neither another clock nor a gap between scrapes makes a job look old.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Final, Literal, TypeAlias

import msgspec

from jobledger._core.catalog import CATALOG, Instrument

Severity: TypeAlias = Literal["page", "ticket"]
Group: TypeAlias = Literal["waiting", "outcomes", "workers", "trust"]

PREFIX: Final = "Jobledger"
_WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert.

    Attributes:
        name: as Prometheus shows it.
        group: what it is about.
        severity: ``page`` if somebody must act now, ``ticket`` if the next working day will do.
        expr: a template of PromQL.
        lasting: how long it must hold before it fires, as a template.
        summary: one line; a template.
        description: what it means and whom it hurts; a template.
    """

    name: str
    group: Group
    severity: Severity
    expr: str
    lasting: str
    summary: str
    description: str

    @property
    def runbook(self) -> str:
        """The file of its page: ``oldest-ready-job-too-old.md``."""
        return _WORD.sub("-", self.name.removeprefix(PREFIX)).lower() + ".md"

    @property
    def reads(self) -> tuple[Instrument, ...]:
        """The instruments that its expression names, in the order of the catalog."""
        named = {(field or "").partition(".")[0] for _, field, _, _ in Formatter().parse(self.expr)}
        return tuple(one for one in CATALOG if one.attribute in named)


_AGE: Final = """\
max {%s} (
  {ledger_as_of} - ignoring (type) group_right {%s}
)"""
_READY_FOR: Final = _AGE % ("by_type", "oldest_ready")
"""How long the oldest ready job of a type has waited."""

OLDEST_READY_JOB_TOO_OLD: Final = Alert(
    name="JobledgerOldestReadyJobTooOld", group="waiting", severity="page", lasting="1m",
    expr=f"{_READY_FOR} > {{at.oldest_ready}}",
    summary="{type}: the oldest ready job has waited for {value.time}",
    description="A job of {type} is due and nothing but a free slot is missing, for more than {at.oldest_ready.text}. "
    "Whoever submitted it waits.",
)  # fmt: skip
OLDEST_PARKED_JOB_TOO_OLD: Final = Alert(
    name="JobledgerOldestParkedJobTooOld", group="waiting", severity="ticket", lasting="5m",
    expr=_AGE % ("by_type", "oldest_parked") + " > {at.oldest_parked}",
    summary="{type}: a job has waited for {value.time} behind other jobs of its entity",
    description="A job of {type} is due, and other jobs of its entity have been ahead of it for more than "
    "{at.oldest_parked.text}. They run one at a time, so more workers don't help: one entity gets more than it can do, "
    "or something holds it.",
)  # fmt: skip
WORKERS_STALLED: Final = Alert(
    name="JobledgerWorkersStalled", group="waiting", severity="page", lasting="5m",
    expr=_READY_FOR + """ > {at.stalled}
and
sum {by_type} (increase({wait_duration.count}[{at.stalled.text}])) == 0
and
sum {by_type} (increase({completions}[{at.stalled.text}])) == 0
unless
max {by_type} ({unhandled}) > 0""",
    summary="{type}: nothing starts, and the oldest ready job has waited for {value.time}",
    description="Jobs of {type} are ready and live workers handle it, but for {at.stalled.text} none has started or "
    "completed.",
)  # fmt: skip
NO_WORKER_FOR_TYPE: Final = Alert(
    name="JobledgerNoWorkerForType", group="waiting", severity="page", lasting="{at.unhandled.text}",
    expr="sum {by_type} ({queue_depth}) > 0\nand\nmax {by_type} ({unhandled}) > 0",
    summary="{type}: {value.count} due job(s), and no live worker handles the type",
    description="No worker that lives has a handler for {type}, and jobs of it are due. They wait until one starts.",
)  # fmt: skip
THROUGHPUT_COLLAPSED: Final = Alert(
    name="JobledgerThroughputCollapsed", group="waiting", severity="ticket", lasting="5m",
    expr="""\
sum {by_type} (increase({completions}[5m]))
  < {at.collapse} * sum {by_type} (increase({completions}[1h] offset 5m)) / 12
and
sum {by_type} (increase({completions}[1h] offset 5m)) / 12 >= {at.min_attempts}
and
sum {by_type} ({queue_depth}) > 0
unless
max {by_type} ({unhandled}) > 0""",
    summary="{type}: {value.count} completions in five minutes, less than {at.collapse.percent} of the usual number",
    description="Jobs of {type} wait and live workers handle it, but of what completes in five minutes of the hour "
    "before, less than {at.collapse.percent} completed now. Handlers have become slow, fail, or hang.",
)  # fmt: skip

_LATE: Final = """\
(
  1 - sum {by_type} (rate({wait_duration.within}[WINDOW]))
    / sum {by_type} (rate({wait_duration.count}[WINDOW]))
) > BUDGET
and
"""


def _burn(window: str, recent: str, budget: str) -> str:
    """Both windows burn: the long one shows that it matters, the short one that it still goes on."""
    late = "".join(_LATE.replace("WINDOW", one).replace("BUDGET", budget) for one in (window, recent))
    return f"{late}sum {{by_type}} (increase({{wait_duration.count}}[{window}])) >= {{at.min_attempts}}"


WAIT_SLO_FAST_BURN: Final = Alert(
    name="JobledgerWaitSloFastBurn", group="waiting", severity="page", lasting="2m",
    expr=_burn("1h", "5m", "{at.fast_burn}"),
    summary="{type}: {value.percent} of the starts of an hour waited longer than {at.slo_wait.text}",
    description="The objective is that {at.slo_target.percent} of the starts of {type} wait at most "
    "{at.slo_wait.text}. At this pace the error budget of 30 days is used up in two days.",
)  # fmt: skip
WAIT_SLO_SLOW_BURN: Final = Alert(
    name="JobledgerWaitSloSlowBurn", group="waiting", severity="ticket", lasting="15m",
    expr=_burn("6h", "30m", "{at.slow_burn}"),
    summary="{type}: {value.percent} of the starts of six hours waited longer than {at.slo_wait.text}",
    description="The objective is that {at.slo_target.percent} of the starts of {type} wait at most "
    "{at.slo_wait.text}. At this pace the error budget of 30 days is used up in five days.",
)  # fmt: skip

_FAILED: Final = "sum {by_type} (increase({failures}[10m])) - sum {by_type} (increase({lost}[10m]))"
_RETRIED: Final = "sum {by_type} (increase({retries}[10m])) - sum {by_type} (increase({lost}[10m]))"

FAILURE_RATIO_HIGH: Final = Alert(
    name="JobledgerFailureRatioHigh", group="outcomes", severity="ticket", lasting="5m",
    expr=f"""\
({_FAILED}) / (
  {_FAILED}
  + sum {{by_type}} (increase({{completions}}[10m]))
) > {{at.failure_ratio}}
and
{_FAILED}
  + sum {{by_type}} (increase({{completions}}[10m])) >= {{at.min_attempts}}""",
    summary="{type}: {value.percent} of the attempts fail",
    description="Of the attempts of {type} that ended within ten minutes, more than {at.failure_ratio.percent} failed "
    "or timed out; those lost with a worker are not counted. Their jobs come late, or become dead letters.",
)  # fmt: skip
RETRY_STORM: Final = Alert(
    name="JobledgerRetryStorm", group="outcomes", severity="page", lasting="5m",
    expr=f"""\
{_RETRIED}
  > {{at.retry_ratio}} * sum {{by_type}} (increase({{completions}}[10m]))
and
{_RETRIED} >= {{at.min_attempts}}""",
    summary="{type}: {value.count} retries within ten minutes, more than {at.retry_ratio} for each completion",
    description="Workers are busier with failed attempts of {type} than with getting jobs done, and whatever they call "
    "gets that load too. If it goes on, the jobs become dead letters.",
)  # fmt: skip
DLQ_GROWING: Final = Alert(
    name="JobledgerDlqGrowing", group="outcomes", severity="ticket", lasting="0s",
    expr="sum {by_type} (increase({dead_lettered}[1h])) >= {at.dlq_growth}",
    summary="{type}: {value.count} dead letter(s) within an hour",
    description="Jobs of {type} failed for good. Nothing is lost: they stay in the dead-letter queue with every error, "
    "but nobody runs them until they are replayed.",
)  # fmt: skip
DLQ_NOT_FALLING: Final = Alert(
    name="JobledgerDlqNotFalling", group="outcomes", severity="ticket", lasting="10m",
    expr="""\
max {by_type} ({dlq_size}) >= max {by_type} ({dlq_size} offset {at.dlq_unattended.text})
and
min {by_type} (min_over_time({dlq_size}[{at.dlq_unattended.text}])) > 0""",
    summary="{type}: {value.count} dead letter(s), no fewer than {at.dlq_unattended.text} ago",
    description="The dead-letter queue of {type} was never empty and has not become smaller. Somebody waits for what "
    "these jobs should have done.",
)  # fmt: skip

HUNG_JOB: Final = Alert(
    name="JobledgerHungJob", group="workers", severity="ticket", lasting="5m",
    expr="max {by_type} ({overdue}) > 0\nor\n" + _AGE % ("by_type", "oldest_running") + " > {at.hung}",
    summary="{type}: an attempt does not end",
    description="An attempt of {type} runs on although its timeout has passed, or has run for more than "
    "{at.hung.text}. It keeps its slot, and the jobs of its entity wait behind it.",
)  # fmt: skip
WORKER_LOSSES: Final = Alert(
    name="JobledgerWorkerLosses", group="workers", severity="ticket", lasting="0s",
    expr="sum {by_type} (increase({lost}[15m])) >= {at.losses}",
    summary="{type}: {value.count} attempt(s) lost with a worker within 15 minutes",
    description="A worker died, or was silent for its whole lease, while it ran jobs of {type}. Other workers run them "
    "again from the beginning; a job that is lost too often becomes a dead letter.",
)  # fmt: skip
STALE_SETTLEMENTS: Final = Alert(
    name="JobledgerStaleSettlements", group="workers", severity="ticket", lasting="0s",
    expr="sum {by_type} (increase({stale_settlements}[1h])) > 0",
    summary="{type}: {value.count} result(s) of lost attempts refused within an hour",
    description="A worker went on with jobs of {type} after they were taken over from it. The books are right, but "
    "what its handlers did outside of the store may have happened twice.",
)  # fmt: skip
WORKERS_SATURATED: Final = Alert(
    name="JobledgerWorkersSaturated", group="workers", severity="ticket", lasting="10m",
    expr=_READY_FOR + """ > {at.slo_wait}
and
sum {by_type} (increase({wait_duration.count}[10m])) + sum {by_type} (increase({completions}[10m])) > 0
unless
max {by_type} ({unhandled}) > 0""",
    summary="{type}: for ten minutes one ready job or another has waited too long, now for {value.time}",
    description="Workers run jobs of {type}, and still there has always been a ready one that had waited for more than "
    "{at.slo_wait.text}: all slots that could run it are in use. More arrives than the workers can do.",
)  # fmt: skip

BOOKS_STALE: Final = Alert(
    name="JobledgerBooksStale", group="trust", severity="page", lasting="1m",
    expr="time() - max {by_store} (max_over_time({ledger_as_of}[1d])) > {at.stale}",
    summary="{store}: the metrics are {value.time} old",
    description="Prometheus sees no new metrics of {store}: its target is down, or something between them repeats "
    "old answers. Until that ends no other alert about its jobs can be trusted.",
)  # fmt: skip
BOOKS_OUT_OF_BALANCE: Final = Alert(
    name="JobledgerBooksOutOfBalance", group="trust", severity="ticket", lasting="0s",
    expr="max {by_store} ({ledger_imbalance}) > 0",
    summary="{store}: the last audit has {value.count} finding(s)",
    description="The books of {store} do not balance: a metric or a row is wrong. That is a defect of jobledger.",
)  # fmt: skip
STORE_SCRAPED_TWICE: Final = Alert(
    name="JobledgerStoreScrapedTwice", group="trust", severity="ticket", lasting="10m",
    expr="count {by_store} ({ledger_as_of}) > 1",
    summary="{store}: {value.count} targets show the same store",
    description="The metrics belong to the store and not to a process. Several targets of {store} show them, so every "
    "sum counts each job several times.",
)  # fmt: skip
SERIES_OVERFLOW: Final = Alert(
    name="JobledgerSeriesOverflow", group="trust", severity="ticket", lasting="0s",
    expr="max {by_store} ({series_overflowed}) > 0",
    summary="{store}: {value.count} type(s) or own metrics share the label __other__",
    description="Types, or metrics of your own, have more labels than their budget allows. What is beyond it is "
    "counted, but cannot be told apart.",
)  # fmt: skip

ALERTS: Final = (
    OLDEST_READY_JOB_TOO_OLD, OLDEST_PARKED_JOB_TOO_OLD, WORKERS_STALLED, NO_WORKER_FOR_TYPE, THROUGHPUT_COLLAPSED,
    WAIT_SLO_FAST_BURN, WAIT_SLO_SLOW_BURN, FAILURE_RATIO_HIGH, RETRY_STORM, DLQ_GROWING, DLQ_NOT_FALLING, HUNG_JOB,
    WORKER_LOSSES, STALE_SETTLEMENTS, WORKERS_SATURATED, BOOKS_STALE, BOOKS_OUT_OF_BALANCE, STORE_SCRAPED_TWICE,
    SERIES_OVERFLOW,
)  # fmt: skip
"""All alerts; those of one group stand together."""
