"""Attempts that fail, and dead letters."""

from __future__ import annotations

from typing import Final

from tests.observability.rules.case import LONG, MAIL, REPORT, Case, counter, gauge

_DAY: Final = 1440
"""Minutes."""


def _attempts(completed: float, failed: float, lost: float = 0, type_: str = MAIL, calm: float = 60) -> dict[str, str]:
    """So many end in each minute from minute 30 on; those that fail or are lost are put back."""
    return {
        f"jobs_completed_total{{{type_}}}": counter((30, calm), (LONG, completed)),
        f"jobs_failed_total{{{type_}}}": counter((30, 0), (LONG, failed + lost)),
        f"jobs_retried_total{{{type_}}}": counter((30, 0), (LONG, failed + lost)),
        f"jobs_lost_total{{{type_}}}": counter((30, 0), (LONG, lost)),
    }


def _died(number: float, minute: int) -> dict[str, str]:
    """So many jobs become dead letters within one minute, and stay."""
    return {
        f"jobs_failed_total{{{MAIL}}}": counter((minute - 1, 0), (1, number), (LONG, 0)),
        f"jobs_dead_lettered_total{{{MAIL}}}": counter((minute - 1, 0), (1, number), (LONG, 0)),
        f"jobs_dlq_size{{{MAIL}}}": gauge((minute, 0), (LONG, number)),
    }


FAILURE_RATIO: Final = [
    Case(
        name="a tenth of three attempts a minute fails",
        alert="FailureRatioHigh",
        at=45,
        changes=_attempts(2.7, 0.3, calm=3),
        fires=("FailureRatioHigh",),
        says="email.send: 10% of the attempts fail",
    ),
    Case(name="4% of the attempts fail", alert="FailureRatioHigh", at=120, changes=_attempts(57.6, 2.4)),
    Case(
        name="a tenth fails for six minutes",
        alert="FailureRatioHigh",
        at=60,
        changes={f"jobs_failed_total{{{MAIL}}}": counter((30, 0), (6, 6), (LONG, 0))},
    ),
    Case(
        name="half of ten attempts in ten minutes fail, and that says nothing",
        alert="FailureRatioHigh",
        at=120,
        changes=_attempts(0.5, 0.5, type_=REPORT, calm=1),
    ),
    Case(
        name="workers die, and of what ends without them 6.7% fails",
        alert="FailureRatioHigh",
        at=60,
        changes=_attempts(56, 4, lost=40),
        fires=("FailureRatioHigh", "WorkerLosses"),
        says="email.send: 6.667% of the attempts fail",
    ),
    Case(
        name="workers die again and again, and hardly an attempt ends without them",
        alert="FailureRatioHigh",
        at=60,
        changes=_attempts(0.4, 0.6, lost=3),
        fires=("WorkerLosses",),
    ),
    Case(
        name="what is lost with workers has an alert of its own",
        alert="FailureRatioHigh",
        at=60,
        changes=_attempts(54, 0, lost=6),
        fires=("WorkerLosses",),
    ),
]

RETRY_STORM: Final = [
    Case(
        name="of three attempts one completes and two are put back",
        alert="RetryStorm",
        at=45,
        changes=_attempts(20, 40),
        fires=("FailureRatioHigh", "RetryStorm"),
        says="email.send: 400 retries within ten minutes, more than 1 for each completion",
    ),
    Case(
        name="every attempt fails, 24 in ten minutes",
        alert="RetryStorm",
        at=45,
        changes=_attempts(0, 2.4, calm=2.4),
        fires=("FailureRatioHigh", "RetryStorm"),
        says="email.send: 24 retries within ten minutes, more than 1 for each completion",
    ),
    Case(
        name="there are fewer retries than completions, but for the lost attempts",
        alert="RetryStorm",
        at=60,
        changes=_attempts(35, 25, lost=40),
        fires=("FailureRatioHigh", "WorkerLosses"),
    ),
    Case(
        name="a short outage, and what failed completes soon after",
        alert="RetryStorm",
        at=60,
        changes={
            f"jobs_completed_total{{{MAIL}}}": counter((30, 60), (6, 0), (6, 120), (LONG, 60)),
            f"jobs_failed_total{{{MAIL}}}": counter((30, 0), (6, 60), (LONG, 0)),
            f"jobs_retried_total{{{MAIL}}}": counter((30, 0), (6, 60), (LONG, 0)),
        },
        passed=("FailureRatioHigh",),
    ),
    Case(
        name="workers die again and again, and hardly an attempt ends without them",
        alert="RetryStorm",
        at=60,
        changes=_attempts(0.4, 0.6, lost=3),
        fires=("WorkerLosses",),
    ),
    Case(
        name="ten retries in ten minutes are no storm",
        alert="RetryStorm",
        at=60,
        changes=_attempts(0, 1, type_=REPORT, calm=1),
    ),
    Case(
        name="jobs are put back because their workers die",
        alert="RetryStorm",
        at=60,
        changes=_attempts(20, 0, lost=40),
        fires=("WorkerLosses",),
    ),
]

DLQ_GROWING: Final = [
    Case(
        name="a job fails for good",
        alert="DlqGrowing",
        at=90,
        changes=_died(1, 40),
        fires=("DlqGrowing",),
        says="email.send: 1 dead letter(s) within an hour",
    ),
    Case(
        name="the last dead letter came more than an hour ago",
        alert="DlqGrowing",
        at=110,
        changes=_died(1, 40),
        passed=("DlqGrowing",),
    ),
    Case(
        name="the dead letters are older than Prometheus",
        alert="DlqGrowing",
        at=120,
        changes={f"jobs_dead_lettered_total{{{MAIL}}}": f"7x{LONG}", f"jobs_dlq_size{{{MAIL}}}": f"7x{LONG}"},
    ),
    Case(
        name="attempts fail, and their jobs are tried again",
        alert="DlqGrowing",
        at=120,
        changes={
            f"jobs_failed_total{{{MAIL}}}": counter((LONG, 1)),
            f"jobs_retried_total{{{MAIL}}}": counter((LONG, 1)),
        },
    ),
    Case(
        name="four within an hour, where five are too many",
        alert="DlqGrowing",
        at=120,
        changes=_died(4, 70),
        options=("--dlq-growth", "5"),
    ),
    Case(
        name="five within an hour, where five are too many",
        alert="DlqGrowing",
        at=120,
        changes=_died(5, 70),
        fires=("DlqGrowing",),
        says="email.send: 5 dead letter(s) within an hour",
        options=("--dlq-growth", "5"),
    ),
]

DLQ_NOT_FALLING: Final = [
    Case(
        name="nobody looks at dead letters for a day",
        alert="DlqNotFalling",
        at=_DAY + 85,
        every=5,
        changes=_died(3, 70),
        fires=("DlqNotFalling",),
        passed=("DlqGrowing",),
        says="email.send: 3 dead letter(s), no fewer than 1d ago",
    ),
    Case(
        name="nobody looks at a single one for a day",
        alert="DlqNotFalling",
        at=_DAY + 85,
        every=5,
        changes=_died(1, 70),
        fires=("DlqNotFalling",),
        passed=("DlqGrowing",),
    ),
    Case(
        name="not yet for a day",
        alert="DlqNotFalling",
        at=_DAY + 75,
        every=5,
        changes=_died(3, 70),
        passed=("DlqGrowing",),
    ),
    Case(
        name="one of three was replayed",
        alert="DlqNotFalling",
        at=_DAY + 200,
        every=5,
        changes=_died(3, 70) | {f"jobs_dlq_size{{{MAIL}}}": gauge((70, 0), (600, 3), (LONG, 2))},
        passed=("DlqGrowing",),
    ),
    Case(
        name="all were replayed, and as many came again",
        alert="DlqNotFalling",
        at=_DAY + 200,
        every=5,
        changes=_died(3, 70)
        | {
            f"jobs_dlq_size{{{MAIL}}}": gauge((70, 0), (600, 3), (5, 0), (LONG, 3)),
            f"jobs_dead_lettered_total{{{MAIL}}}": counter((69, 0), (1, 3), (604, 0), (1, 3), (LONG, 0)),
        },
        passed=("DlqGrowing",),
    ),
    Case(
        name="the store was scraped from another process meanwhile",
        alert="DlqNotFalling",
        at=_DAY + 85,
        every=5,
        changes={
            f"jobs_dlq_size{{{MAIL}}}": gauge((70, 0), (600, 3), (LONG, None)),
            f'jobs_dlq_size{{job="jobs",instance="web-2:9464",{MAIL}}}': gauge((670, None), (LONG, 3)),
        },
        fires=("DlqNotFalling",),
        says="email.send: 3 dead letter(s), no fewer than 1d ago",
    ),
]

OUTCOMES: Final = [*FAILURE_RATIO, *RETRY_STORM, *DLQ_GROWING, *DLQ_NOT_FALLING]
