"""Workers that hang, die, come back or are too few."""

from __future__ import annotations

from typing import Final

from tests.observability.rules.case import AS_OF, LONG, MAIL, Case, counter, gauge

_OVERDUE: Final = f"jobs_overdue{{{MAIL}}}"
_RUNNING_SINCE: Final = f"jobs_oldest_running_timestamp_seconds{{{MAIL}}}"
_LOST: Final = f"jobs_lost_total{{{MAIL}}}"
_STALE: Final = f"jobs_stale_settlements_total{{{MAIL}}}"


def _lost(number: float, minute: int) -> dict[str, str]:
    """So many attempts are lost with one worker, and put back."""
    once = counter((minute - 1, 0), (1, number), (LONG, 0))
    return {_LOST: once, f"jobs_failed_total{{{MAIL}}}": once, f"jobs_retried_total{{{MAIL}}}": once}


def _slots(used: float, minutes: int = LONG) -> dict[str, str]:
    """So many of 100 slots are in use from minute 30 on."""
    return {
        'jobs_worker_slots{state="used"}': gauge((30, 10), (minutes, used), (LONG, 10)),
        'jobs_worker_slots{state="free"}': gauge((30, 90), (minutes, 100 - used), (LONG, 90)),
    }


_A_MINUTE: Final = {f"jobs_oldest_ready_timestamp_seconds{{{MAIL}}}": f"stalex29 1740+60x{LONG}"}
"""From minute 30 on a ready job has always waited for a minute."""

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
        name="95 of 100 slots are in use, and jobs wait for a minute",
        alert="WorkersSaturated",
        at=42,
        changes=_slots(95) | _A_MINUTE,
        fires=("WorkersSaturated",),
        says="jobs: 95% of the slots are in use, and jobs wait",
    ),
    Case(name="all slots are in use, and nothing waits", alert="WorkersSaturated", at=60, changes=_slots(100)),
    Case(
        name="all slots are in use, and jobs wait for twenty seconds by a clock that is a minute behind",
        alert="WorkersSaturated",
        at=60,
        changes=_slots(100)
        | {
            AS_OF: f"-60+60x{LONG}",
            f"jobs_oldest_ready_timestamp_seconds{{{MAIL}}}": f"stalex29 1720+60x{LONG}",
        },
    ),
    Case(
        name="jobs wait although slots are free",
        alert="WorkersSaturated",
        at=60,
        changes=_slots(85) | _A_MINUTE,
    ),
    Case(
        name="a burst fills all slots for nine minutes",
        alert="WorkersSaturated",
        at=60,
        changes=_slots(100, minutes=9) | _A_MINUTE,
    ),
    Case(
        name="there is no worker, and so no slot",
        alert="WorkersSaturated",
        at=60,
        changes=_A_MINUTE
        | {'jobs_worker_slots{state="used"}': f"0x{LONG}", 'jobs_worker_slots{state="free"}': f"0x{LONG}"},
    ),
]

WORKERS: Final = [*HUNG, *LOSSES, *STALE, *SATURATED]
