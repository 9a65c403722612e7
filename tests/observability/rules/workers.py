"""Workers that hang, die, come back or are too few."""

from __future__ import annotations

from typing import Final

from tests.observability.rules.case import AS_OF, LONG, MAIL, NORMAL, REPORT, Case, counter, gauge, waits

_OVERDUE: Final = f"jobs_overdue{{{MAIL}}}"
_RUNNING_SINCE: Final = f"jobs_oldest_running_timestamp_seconds{{{MAIL}}}"
_READY_SINCE: Final = f"jobs_oldest_ready_timestamp_seconds{{{MAIL}}}"
_LOST: Final = f"jobs_lost_total{{{MAIL}}}"
_STALE: Final = f"jobs_stale_settlements_total{{{MAIL}}}"


def _lost(number: float, minute: int) -> dict[str, str]:
    """So many attempts are lost with one worker, and put back."""
    once = counter((minute - 1, 0), (1, number), (LONG, 0))
    return {_LOST: once, f"jobs_failed_total{{{MAIL}}}": once, f"jobs_retried_total{{{MAIL}}}": once}


def _ready(minutes: int = LONG, waited: int = 60, names: str = _READY_SINCE) -> dict[str, str]:
    """From minute 30 on, for so many minutes, always another job has been ready for so many seconds."""
    return {names: f"stalex29 {1800 - waited}+60x{minutes - 1} stalex{LONG}"}


HUNG: Final = [
    Case(
        name="a thread runs on after its timeout",
        alert="HungJob",
        at=36,
        changes={_OVERDUE: gauge((30, 0), (LONG, 1))},
        fires=("HungJob",),
        says="email.send: an attempt does not end",
    ),
    Case(
        name="an attempt without a timeout runs for more than six hours",
        alert="HungJob",
        at=400,
        changes={_RUNNING_SINCE: gauge((30, 0), (LONG, 1800))},
        fires=("HungJob",),
        says="email.send: an attempt does not end",
    ),
    Case(
        name="a handler needs four minutes to stop",
        alert="HungJob",
        at=60,
        changes={_OVERDUE: gauge((30, 0), (4, 1), (LONG, 0))},
    ),
    Case(
        name="an attempt without a timeout runs for just under six hours",
        alert="HungJob",
        at=420,
        changes={_RUNNING_SINCE: gauge((30, None), (360, 1800), (LONG, None))},
    ),
]

LOSSES: Final = [
    Case(
        name="a worker is killed while it runs 100 jobs",
        alert="WorkerLosses",
        at=50,
        changes=_lost(100, 40),
        fires=("WorkerLosses",),
        says="email.send: 100 attempt(s) lost with a worker within 15 minutes",
    ),
    Case(
        name="a worker is killed while it runs one job",
        alert="WorkerLosses",
        at=42,
        changes=_lost(1, 40),
        fires=("WorkerLosses",),
        says="email.send: 1 attempt(s) lost with a worker within 15 minutes",
    ),
    Case(
        name="a worker stops in order and puts 100 jobs back",
        alert="WorkerLosses",
        at=60,
        changes={f"jobs_released_total{{{MAIL}}}": counter((39, 0), (1, 100), (LONG, 0))},
    ),
    Case(
        name="four are lost, where five are too many",
        alert="WorkerLosses",
        at=60,
        changes=_lost(4, 40),
        options=("--losses", "5"),
    ),
]

STALE: Final = [
    Case(
        name="a frozen worker wakes up after its jobs were taken over, and settles them",
        alert="StaleSettlements",
        at=110,
        changes=_lost(2, 20) | {_STALE: counter((59, 0), (1, 2), (LONG, 0))},
        fires=("StaleSettlements",),
        passed=("WorkerLosses",),
        says="email.send: 2 result(s) of lost attempts refused within an hour",
    ),
    Case(
        name="that was more than an hour ago",
        alert="StaleSettlements",
        at=130,
        changes={_STALE: counter((59, 0), (1, 2), (LONG, 0))},
        passed=("StaleSettlements",),
    ),
    Case(
        name="a worker was lost, and never spoke again",
        alert="StaleSettlements",
        at=62,
        changes=_lost(2, 20),
        passed=("WorkerLosses",),
    ),
    Case(
        name="the refusals are older than Prometheus",
        alert="StaleSettlements",
        at=120,
        changes={_STALE: f"7x{LONG}"},
    ),
]

SATURATED: Final = [
    Case(
        name="jobs start all the time, and for eleven minutes always another one has been ready for a minute",
        alert="WorkersSaturated",
        at=42,
        changes=_ready(),
        fires=("WorkersSaturated",),
        says="email.send: for ten minutes one ready job or another has waited too long, now for 1m 0s",
    ),
    Case(
        name="the threads of the workers are all in use, and ninety slots for async def are free",
        alert="WorkersSaturated",
        at=42,
        changes=_ready(names=f"jobs_oldest_ready_timestamp_seconds{{{REPORT}}}"),
        fires=("WorkersSaturated",),
        says="report.render: for ten minutes one ready job or another has waited too long, now for 1m 0s",
        type="report.render",
    ),
    Case(
        name="all slots are in use, and nothing waits",
        alert="WorkersSaturated",
        at=60,
        changes={
            'jobs_worker_slots{state="used"}': f"100x{LONG}",
            'jobs_worker_slots{state="free"}': f"0x{LONG}",
        },
    ),
    Case(
        name="jobs wait for twenty seconds by a clock that is a minute behind",
        alert="WorkersSaturated",
        at=60,
        changes={AS_OF: f"-60+60x{LONG}"} | _ready(waited=80),
    ),
    Case(name="a burst is worked off in nine minutes", alert="WorkersSaturated", at=60, changes=_ready(minutes=9)),
    Case(
        name="jobs wait that no worker handles, while others start",
        alert="WorkersSaturated",
        at=60,
        changes=_ready()
        | {
            f"jobs_unhandled{{{MAIL}}}": gauge((29, 0), (LONG, 1)),
            f"jobs_queue_depth{{{MAIL},{NORMAL}}}": gauge((29, 0), (LONG, 1)),
        },
        fires=("NoWorkerForType",),
    ),
    Case(
        name="jobs wait, and none starts or ends",
        alert="WorkersSaturated",
        at=49,
        changes={
            _READY_SINCE: gauge((30, None), (LONG, 1800)),
            f"jobs_completed_total{{{MAIL}}}": counter((30, 60), (LONG, 0)),
            **waits(MAIL, counter((30, 60), (LONG, 0)), counter((30, 60), (LONG, 0))),
        },
        fires=("OldestReadyJobTooOld", "WorkersStalled"),
    ),
]

WORKERS: Final = [*HUNG, *LOSSES, *STALE, *SATURATED]
