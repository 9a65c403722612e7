"""Whether the numbers can be believed."""

from __future__ import annotations

from typing import Final

from tests.observability.rules.case import AS_OF, LONG, MAIL, Case, gauge

_SECOND: Final = 'job="jobs",instance="web-2:9464"'
_DAY: Final = 1440

STALE: Final = [
    Case(
        name="the target is down",
        alert="BooksStale",
        at=34,
        changes={},
        failing=(31, LONG),
        fires=("BooksStale",),
        says="jobs: the metrics are 4m 0s old",
    ),
    Case(
        name="the target has been down for hours",
        alert="BooksStale",
        at=900,
        every=5,
        changes={},
        failing=(31, LONG),
        fires=("BooksStale",),
        says="jobs: the metrics are 14h 30m 0s old",
    ),
    Case(
        name="something between repeats an old answer",
        alert="BooksStale",
        at=34,
        changes={AS_OF: f"0+60x30 1800x{LONG}"},
        fires=("BooksStale",),
        says="jobs: the metrics are 4m 0s old",
    ),
    Case(name="three scrapes fail", alert="BooksStale", at=60, changes={}, failing=(31, 34)),
    Case(
        name="a store that has been gone for a day is given up",
        alert="BooksStale",
        at=_DAY + 60,
        every=5,
        changes={},
        failing=(31, LONG),
        passed=("BooksStale",),
    ),
    Case(
        name="another process is scraped from now on",
        alert="BooksStale",
        at=60,
        changes={AS_OF: f"0+60x30 stalex{LONG}", f"{AS_OF}{{{_SECOND}}}": f"stalex30 1860+60x{LONG}"},
    ),
]

BALANCE: Final = [
    Case(
        name="an audit finds something",
        alert="BooksOutOfBalance",
        at=32,
        changes={"jobs_ledger_imbalance": gauge((30, 0), (LONG, 1))},
        fires=("BooksOutOfBalance",),
        says="jobs: the last audit has 1 finding(s)",
    ),
    Case(
        name="no audit has been made yet",
        alert="BooksOutOfBalance",
        at=60,
        changes={"jobs_ledger_imbalance": gauge((30, None), (LONG, 0))},
    ),
]

TWICE: Final = [
    Case(
        name="a second process of the store is scraped",
        alert="StoreScrapedTwice",
        at=41,
        changes={f"{AS_OF}{{{_SECOND}}}": f"stalex29 1800+60x{LONG}"},
        fires=("StoreScrapedTwice",),
        says="jobs: 2 targets show the same store",
    ),
    Case(
        name="the old and the new process overlap for nine minutes",
        alert="StoreScrapedTwice",
        at=60,
        changes={AS_OF: f"0+60x38 stalex{LONG}", f"{AS_OF}{{{_SECOND}}}": f"stalex29 1800+60x{LONG}"},
    ),
    Case(
        name="another store is scraped, under its own name",
        alert="StoreScrapedTwice",
        at=60,
        changes={f'{AS_OF}{{job="shop",instance="web:9464"}}': f"0+60x{LONG}"},
    ),
    Case(
        name="another store is scraped, in a namespace of its own",
        alert="StoreScrapedTwice",
        at=60,
        changes={
            f'{AS_OF}{{job="jobs",namespace="shop",instance="web:9464"}}': f"0+60x{LONG}",
            f'{AS_OF}{{job="jobs",namespace="mail",instance="web:9464"}}': f"0+60x{LONG}",
        },
        calm=False,
        options=("--by", "job", "--by", "namespace"),
    ),
]

OVERFLOW: Final = [
    Case(
        name="two types are beyond the budget",
        alert="SeriesOverflow",
        at=41,
        changes={"jobs_series_overflowed": gauge((30, 0), (LONG, 2))},
        fires=("SeriesOverflow",),
        says="jobs: 2 type(s) or own metrics share the label __other__",
    ),
    Case(
        name="many types, and each has its label",
        alert="SeriesOverflow",
        at=60,
        changes={f'jobs_enqueued_total{{type="t{number}",priority="low"}}': f"0x{LONG}" for number in range(200)},
    ),
]

_NO_TYPES: Final = {
    AS_OF: f"0+60x{LONG}",
    "jobs_workers": f"0x{LONG}",
    "jobs_series_overflowed": f"0x{LONG}",
    'jobs_worker_slots{state="free"}': f"0x{LONG}",
    'jobs_worker_slots{state="used"}': f"0x{LONG}",
}

NOTHING_FIRES: Final = [
    Case(name="all is well for a day", at=_DAY, every=5, changes={}),
    Case(name="an empty store, and no worker yet", at=60, changes=_NO_TYPES, calm=False),
    Case(name="nothing is scraped at all", at=60, changes={}, calm=False),
    Case(name="Prometheus starts beside an old store", at=120, changes={}, paused=(0, 60)),
    Case(name="the scraped process restarts: the values go on", at=120, changes={}, failing=(60, 62)),
    Case(
        name="Prometheus was down for half an hour",
        at=150,
        changes={},
        paused=(60, 90),
        passed=("BooksStale",),
    ),
    Case(
        name="Prometheus was down while few jobs started: they are not called stalled",
        at=150,
        changes={
            f"jobs_oldest_ready_timestamp_seconds{{{MAIL}}}": gauge((50, None), (LONG, 3000)),
            f'jobs_wait_duration_seconds_count{{{MAIL},priority="normal"}}': f"0+0.25x{LONG}",
            f'jobs_wait_duration_seconds_bucket{{{MAIL},priority="normal",le="30.0"}}': f"0+0.25x{LONG}",
        },
        paused=(60, 90),
        fires=("OldestReadyJobTooOld", "WorkersSaturated"),
        passed=("BooksStale",),
    ),
]

TRUST: Final = [*STALE, *BALANCE, *TWICE, *OVERFLOW, *NOTHING_FIRES]
