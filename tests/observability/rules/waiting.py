"""Jobs that wait."""

from __future__ import annotations

from typing import Final

from tests.observability.rules.case import AS_OF, LONG, MAIL, NORMAL, REPORT, Case, counter, every, gauge, waits

_OLDEST: Final = f"jobs_oldest_ready_timestamp_seconds{{{MAIL}}}"
_OLDEST_PARKED: Final = f"jobs_oldest_parked_timestamp_seconds{{{MAIL}}}"
_OLDEST_REPORT: Final = f"jobs_oldest_ready_timestamp_seconds{{{REPORT}}}"
_DEPTH: Final = f"jobs_queue_depth{{{MAIL},{NORMAL}}}"
_COMPLETED: Final = f"jobs_completed_total{{{MAIL}}}"
_NOTHING: Final = counter((20, 1), (LONG, 0))
"""One a minute, and nothing any more from minute 20 on."""
_REPORTS_WAIT: Final = {
    _OLDEST_REPORT: gauge((20, None), (LONG, 1200)),
    f"jobs_queue_depth{{{REPORT},{NORMAL}}}": gauge((20, 0), (LONG, 4)),
}
_HOURS: Final = 360
"""Minutes of a past without any late start."""


def _late(*phases: tuple[int, float], pace: float = 60, type_: str = MAIL) -> dict[str, str]:
    """So many minutes, and the share of starts in them that come too late."""
    return _starts(*((minutes, pace, share) for minutes, share in phases), type_=type_)


def _starts(*phases: tuple[int, float, float], type_: str = MAIL) -> dict[str, str]:
    """So many minutes, the starts in each of them, and the share of these that come too late."""
    within = counter(*((minutes, pace * (1 - share)) for minutes, pace, share in phases))
    return waits(type_, within, counter(*((minutes, pace) for minutes, pace, _ in phases)))


OLDEST_READY: Final = [
    Case(
        name="one job waits for seven minutes while others start",
        alert="OldestReadyJobTooOld",
        at=27,
        changes={_OLDEST: gauge((20, None), (LONG, 1200)), _DEPTH: gauge((20, 0), (LONG, 1))},
        fires=("OldestReadyJobTooOld",),
        says="email.send: the oldest ready job has waited for 7m 0s",
    ),
    Case(
        name="a job waits for five minutes and starts",
        alert="OldestReadyJobTooOld",
        at=40,
        changes={_OLDEST: gauge((20, None), (6, 1200), (LONG, None))},
    ),
    Case(
        name="a job starts as soon as it is too old",
        alert="OldestReadyJobTooOld",
        at=40,
        changes={_OLDEST: gauge((20, None), (7, 1200), (LONG, None))},
    ),
    Case(
        name="the store's clock is behind that of Prometheus, so that a job only looks old",
        alert="OldestReadyJobTooOld",
        at=40,
        changes={AS_OF: f"-110+60x{LONG}", _OLDEST: gauge((20, None), (8, 1200), (LONG, None))},
    ),
    Case(
        name="the option allows ten minutes",
        alert="OldestReadyJobTooOld",
        at=30,
        changes={_OLDEST: gauge((20, None), (LONG, 1200))},
        options=("--oldest-ready", "10m"),
    ),
]

OLDEST_PARKED: Final = [
    Case(
        name="something holds an entity, and a job waits behind it",
        alert="OldestParkedJobTooOld",
        at=41,
        changes={_OLDEST_PARKED: gauge((20, None), (LONG, 1200))},
        fires=("OldestParkedJobTooOld",),
        says="email.send: a job has waited for 21m 0s behind other jobs of its entity",
    ),
    Case(
        name="an entity gets more than it can do, so that always another job has waited for twenty minutes",
        alert="OldestParkedJobTooOld",
        at=36,
        changes={_OLDEST_PARKED: f"stalex29 600+60x{LONG}"},
        fires=("OldestParkedJobTooOld",),
        says="email.send: a job has waited for 20m 0s behind other jobs of its entity",
    ),
    Case(
        name="always another job has waited for a quarter of an hour, by a clock that is a minute behind",
        alert="OldestParkedJobTooOld",
        at=60,
        changes={AS_OF: f"-60+60x{LONG}", _OLDEST_PARKED: f"stalex29 840+60x{LONG}"},
    ),
    Case(
        name="a job waits for nineteen minutes and gets its turn",
        alert="OldestParkedJobTooOld",
        at=60,
        changes={_OLDEST_PARKED: gauge((20, None), (19, 1200), (LONG, None))},
    ),
    Case(
        name="an hour is allowed",
        alert="OldestParkedJobTooOld",
        at=60,
        changes={_OLDEST_PARKED: gauge((20, None), (LONG, 1200))},
        options=("--oldest-parked", "1h"),
    ),
]

STALLED: Final = [
    Case(
        name="workers live, and nothing starts or completes",
        alert="WorkersStalled",
        at=32,
        changes={
            **_REPORTS_WAIT,
            **waits(REPORT, _NOTHING, _NOTHING),
            f"jobs_completed_total{{{REPORT}}}": _NOTHING,
        },
        fires=("OldestReadyJobTooOld", "WorkersStalled"),
        says="report.render: nothing starts, and the oldest ready job has waited for 12m 0s",
        type="report.render",
    ),
    Case(
        name="jobs start, only too few of them: one in seven minutes",
        alert="WorkersStalled",
        at=60,
        changes={
            **_REPORTS_WAIT,
            **waits(REPORT, every(7), every(7)),
            f"jobs_completed_total{{{REPORT}}}": _NOTHING,
        },
        fires=("OldestReadyJobTooOld", "WorkersSaturated"),
        type="report.render",
    ),
    Case(
        name="nothing starts, because long jobs have all slots, and these complete",
        alert="WorkersStalled",
        at=60,
        changes={
            **_REPORTS_WAIT,
            **waits(REPORT, _NOTHING, _NOTHING),
            f"jobs_completed_total{{{REPORT}}}": every(7),
        },
        fires=("OldestReadyJobTooOld", "WorkersSaturated"),
        type="report.render",
    ),
    Case(
        name="a type is hardly used: a job of it waits for nine minutes, by a clock that is behind, and starts",
        alert="WorkersStalled",
        at=60,
        changes={
            AS_OF: f"-110+60x{LONG}",
            _OLDEST_REPORT: gauge((40, None), (12, 2400), (LONG, None)),
            f"jobs_completed_total{{{REPORT}}}": counter((20, 1), (32, 0), (LONG, 1)),
            **waits(REPORT, counter((20, 1), (32, 0), (LONG, 1)), counter((20, 1), (32, 0), (LONG, 1))),
        },
        passed=("OldestReadyJobTooOld",),
    ),
    Case(
        name="nothing is ready, and so nothing starts",
        alert="WorkersStalled",
        at=60,
        changes={**waits(REPORT, _NOTHING, _NOTHING), f"jobs_completed_total{{{REPORT}}}": _NOTHING},
    ),
]

NO_WORKER: Final = [
    Case(
        name="the last worker for a type stops, and jobs come",
        alert="NoWorkerForType",
        at=23,
        changes={
            _DEPTH: gauge((20, 0), (LONG, 3)),
            f"jobs_unhandled{{{MAIL}}}": gauge((20, 0), (LONG, 3)),
            _OLDEST: gauge((20, None), (LONG, 1200)),
        },
        fires=("NoWorkerForType",),
        says="email.send: 3 due job(s), and no live worker handles the type",
    ),
    Case(
        name="nobody starts it for an hour: it is not called stalled or collapsed as well",
        alert="NoWorkerForType",
        at=100,
        changes={
            _DEPTH: gauge((60, 0), (LONG, 3)),
            f"jobs_unhandled{{{MAIL}}}": gauge((60, 0), (LONG, 3)),
            _OLDEST: gauge((60, None), (LONG, 3600)),
            _COMPLETED: counter((60, 60), (LONG, 0)),
            **waits(MAIL, counter((60, 60), (LONG, 0)), counter((60, 60), (LONG, 0))),
        },
        fires=("NoWorkerForType", "OldestReadyJobTooOld"),
    ),
    Case(
        name="a single job comes for a type without a worker",
        alert="NoWorkerForType",
        at=23,
        changes={_DEPTH: gauge((20, 0), (LONG, 1)), f"jobs_unhandled{{{MAIL}}}": gauge((20, 0), (LONG, 1))},
        fires=("NoWorkerForType",),
    ),
    Case(
        name="the only worker is replaced within two minutes",
        alert="NoWorkerForType",
        at=60,
        changes={
            _DEPTH: gauge((20, 0), (2, 3), (LONG, 0)),
            f"jobs_unhandled{{{MAIL}}}": gauge((20, 0), (2, 3), (LONG, 0)),
        },
    ),
    Case(
        name="the jobs of a type without a worker are for next week",
        alert="NoWorkerForType",
        at=60,
        changes={
            f"jobs_scheduled{{{MAIL},{NORMAL}}}": gauge((20, 0), (LONG, 3)),
            f"jobs_unhandled{{{MAIL}}}": gauge((20, 0), (LONG, 3)),
        },
    ),
    Case(
        name="jobs wait, and a worker for them lives",
        alert="NoWorkerForType",
        at=60,
        changes={_DEPTH: gauge((20, 0), (LONG, 3))},
    ),
]

COLLAPSED: Final = [
    Case(
        name="of ten completions a minute none is left, and jobs wait",
        alert="ThroughputCollapsed",
        at=92,
        changes={_COMPLETED: counter((80, 10), (LONG, 0)), _DEPTH: gauge((80, 0), (LONG, 40))},
        fires=("ThroughputCollapsed",),
        says="email.send: 0 completions in five minutes, less than 10% of the usual number",
    ),
    Case(
        name="handlers become slow: of 60 completions a minute five are left, and jobs wait",
        alert="ThroughputCollapsed",
        at=92,
        changes={_COMPLETED: counter((80, 60), (LONG, 5)), _DEPTH: gauge((80, 0), (LONG, 40))},
        fires=("ThroughputCollapsed",),
        says="email.send: 25 completions in five minutes, less than 10% of the usual number",
    ),
    Case(
        name="a fifth of the completions is left",
        alert="ThroughputCollapsed",
        at=_HOURS + 40,
        changes={_COMPLETED: counter((_HOURS, 60), (LONG, 12)), _DEPTH: gauge((_HOURS, 0), (LONG, 40))},
    ),
    Case(
        name="there is nothing more to do",
        alert="ThroughputCollapsed",
        at=120,
        changes={_COMPLETED: counter((80, 60), (LONG, 0))},
    ),
    Case(
        name="fifteen completions in five minutes are no pace that can collapse",
        alert="ThroughputCollapsed",
        at=120,
        changes={_COMPLETED: counter((80, 3), (LONG, 0)), _DEPTH: gauge((80, 0), (LONG, 4))},
    ),
    Case(
        name="eight minutes without a completion",
        alert="ThroughputCollapsed",
        at=120,
        changes={_COMPLETED: counter((80, 60), (8, 0), (LONG, 60)), _DEPTH: gauge((80, 0), (12, 40), (LONG, 0))},
    ),
]

FAST_BURN: Final = [
    Case(
        name="30% of the starts are late for half an hour",
        alert="WaitSloFastBurn",
        at=_HOURS + 33,
        changes=_late((_HOURS, 0), (LONG, 0.3), pace=1),
        fires=("WaitSloFastBurn",),
        says="email.send: 16.5% of the starts of an hour waited longer than 30s",
    ),
    Case(
        name="14% are late for an hour",
        alert="WaitSloFastBurn",
        at=_HOURS + 80,
        changes=_late((_HOURS, 0), (LONG, 0.14)),
    ),
    Case(
        name="all are late for five minutes",
        alert="WaitSloFastBurn",
        at=_HOURS + 30,
        changes=_late((_HOURS, 0), (5, 1), (LONG, 0)),
    ),
    Case(
        name="it has been over for two minutes",
        alert="WaitSloFastBurn",
        at=_HOURS + 37,
        changes=_late((_HOURS, 0), (35, 0.3), (LONG, 0)),
        fires=("WaitSloFastBurn",),
    ),
    Case(
        name="it has been over for two minutes, and less has come since",
        alert="WaitSloFastBurn",
        at=_HOURS + 37,
        changes=_starts((_HOURS, 60, 0), (35, 60, 0.3), (LONG, 12, 0)),
        fires=("WaitSloFastBurn",),
    ),
    Case(
        name="it is over and less has come since, although the hour still looks bad",
        alert="WaitSloFastBurn",
        at=_HOURS + 45,
        changes=_starts((_HOURS, 60, 0), (35, 60, 0.3), (LONG, 12, 0)),
        passed=("WaitSloFastBurn",),
    ),
    Case(
        name="three times as many come for five minutes, and most of these are late",
        alert="WaitSloFastBurn",
        at=_HOURS + 30,
        changes=_starts((_HOURS, 20, 0), (5, 60, 0.6), (LONG, 20, 0)),
    ),
    Case(
        name="a third of the usual number comes, and most starts of five minutes are late",
        alert="WaitSloFastBurn",
        at=_HOURS + 40,
        changes=_starts((_HOURS, 60, 0), (30, 20, 0), (5, 20, 0.6), (LONG, 20, 0)),
    ),
    Case(
        name="16% are late for 55 minutes, and it ends just when that is too much",
        alert="WaitSloFastBurn",
        at=_HOURS + 60,
        changes=_late((_HOURS, 0), (55, 0.16), (LONG, 0)),
    ),
    Case(
        name="fifteen starts in an hour say nothing",
        alert="WaitSloFastBurn",
        at=_HOURS + 20,
        changes=_late((_HOURS, 0), (LONG, 1), pace=0.25, type_=REPORT),
    ),
    Case(
        name="a job takes its time once another waits, and the waits of a low priority count with the others",
        alert="WaitSloFastBurn",
        at=_HOURS + 33,
        changes={
            name.replace("normal", priority): values
            for priority, share in (("normal", 0), ("low", 0.6))
            for name, values in _late((_HOURS, 0), (LONG, share), pace=30).items()
        },
        fires=("WaitSloFastBurn",),
        says="email.send: 16.5% of the starts of an hour waited longer than 30s",
    ),
]

SLOW_BURN: Final = [
    Case(
        name="10% of the starts are late for four hours",
        alert="WaitSloSlowBurn",
        at=_HOURS + 240,
        every=3,
        changes=_late((_HOURS, 0), (LONG, 0.1), pace=0.2),
        fires=("WaitSloSlowBurn",),
        says="email.send: 6.667% of the starts of six hours waited longer than 30s",
    ),
    Case(
        name="5% are late for seven hours",
        alert="WaitSloSlowBurn",
        at=_HOURS + 420,
        every=3,
        changes=_late((_HOURS, 0), (LONG, 0.05)),
    ),
    Case(
        name="14% are late for an hour and a half",
        alert="WaitSloSlowBurn",
        at=_HOURS + 180,
        every=3,
        changes=_late((_HOURS, 0), (90, 0.14), (LONG, 0)),
    ),
    Case(
        name="it has been over for six minutes",
        alert="WaitSloSlowBurn",
        at=_HOURS + 246,
        every=3,
        changes=_late((_HOURS, 0), (240, 0.1), (LONG, 0)),
        fires=("WaitSloSlowBurn",),
    ),
    Case(
        name="it has been over for six minutes, and less has come since",
        alert="WaitSloSlowBurn",
        at=_HOURS + 246,
        every=3,
        changes=_starts((_HOURS, 60, 0), (240, 60, 0.1), (LONG, 12, 0)),
        fires=("WaitSloSlowBurn",),
    ),
    Case(
        name="it is over and less has come since, although the six hours still look bad",
        alert="WaitSloSlowBurn",
        at=_HOURS + 276,
        every=3,
        changes=_starts((_HOURS, 60, 0), (240, 60, 0.1), (LONG, 12, 0)),
        passed=("WaitSloSlowBurn",),
    ),
    Case(
        name="three times as many come for half an hour, and some of these are late",
        alert="WaitSloSlowBurn",
        at=_HOURS + 60,
        every=3,
        changes=_starts((_HOURS, 20, 0), (30, 60, 0.15), (LONG, 20, 0)),
    ),
    Case(
        name="10% are late for 217 minutes, and it ends just when that is too much",
        alert="WaitSloSlowBurn",
        at=_HOURS + 250,
        every=3,
        changes=_late((_HOURS, 0), (217, 0.1), (LONG, 0)),
    ),
    Case(
        name="eighteen starts in six hours say nothing",
        alert="WaitSloSlowBurn",
        at=_HOURS + 240,
        every=3,
        changes=_late((_HOURS, 0), (LONG, 1), pace=0.05, type_=REPORT),
    ),
]

WAITING: Final = [*OLDEST_READY, *OLDEST_PARKED, *STALLED, *NO_WORKER, *COLLAPSED, *FAST_BURN, *SLOW_BURN]
