"""What can be asked of a list, and what can't: nothing wrong reaches the store."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from jobledger._core.job import Lane, Status
from jobledger._core.outcome import Reason
from jobledger._store.contract import Filter, Window
from jobledger._store.filters import Filters, filter_of
from jobledger.errors import InvalidOption

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MICROS = round(NOON.timestamp() * 1e6)
QUEUED = (Lane.READY, Lane.ARRIVED, Lane.PARKED, Lane.SCHEDULED)


def of(**filters: Any) -> Filter:
    return filter_of(Filters(**filters), None, newest_first=True)  # type: ignore[typeddict-item]


def test_nothing_asked_is_any() -> None:
    assert of() == of(status=None, lane=None, entity=None, reason=None, ended_since=None) == Filter()


@pytest.mark.parametrize(
    ("filters", "lanes"),
    [
        ({"status": "queued"}, QUEUED),
        ({"status": Status.FAILED}, (Lane.FAILED,)),
        ({"status": ["failed", Status.CANCELLED]}, (Lane.FAILED, Lane.CANCELLED)),
        ({"status": {"failed"}}, (Lane.FAILED,)),
        ({"lane": "parked"}, (Lane.PARKED,)),
        ({"lane": (Lane.PARKED, "ready", "parked")}, (Lane.PARKED, Lane.READY)),
        ({"status": "queued", "lane": "scheduled"}, (Lane.SCHEDULED,)),
        ({"status": ["queued", "failed"], "lane": ["ready", "complete"]}, (Lane.READY,)),
    ],
)
def test_statuses_and_lanes(filters: dict[str, Any], lanes: tuple[Lane, ...]) -> None:
    assert of(**filters).lanes == lanes


def test_times_and_reasons() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5)))
    asked = of(submitted_since=there, ended_until=NOON, reason="Timeout")
    assert (asked.submitted, asked.ended, asked.reason) == (Window(MICROS), Window(None, MICROS), Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"state": "queued"}, "there is no filter 'state': use status, lane, type, "),
        ({"status": "done"}, "unknown status 'done': use one of queued, processing"),
        ({"status": ["queued", "done"]}, "unknown status 'done'"),
        ({"status": "queued,failed"}, "unknown status 'queued,failed'"),
        ({"status": []}, r"status is a word or several, not \[\]: leave it out for any"),
        ({"status": 5}, "status is a word or several, not 5"),
        ({"status": ["queued", 5]}, "status is a word or several"),
        ({"status": b"queued"}, "status is a word or several"),
        ({"lane": "queued"}, "unknown lane 'queued': use one of ready, arrived, parked"),
        ({"status": "failed", "lane": "ready"}, "no job is failed and in the lane ready"),
        (
            {"status": ["failed", "complete"], "lane": ["ready", "parked"]},
            "failed or complete and in the lane ready or",
        ),
        ({"reason": "timeout"}, "unknown reason 'timeout': use one of NotFound, .*Timeout"),
        ({"reason": 5}, "unknown reason 5"),
        ({"entity": ""}, "entity must have 1 to 255 characters"),
        ({"batch": "\ud800"}, "half a surrogate pair"),
        ({"submitted_since": "2h"}, "submitted_since must be a datetime with a time zone, not '2h'"),
        ({"submitted_until": NOON.replace(tzinfo=None)}, "submitted_until must be a datetime with a time zone"),
        ({"ended_since": NOON, "ended_until": NOON}, "ended_since must be before ended_until"),
        ({"submitted_since": NOON + timedelta(1), "submitted_until": NOON}, "submitted_since must be before"),
        ({"ended_since": NOON, "status": "queued"}, "a job that is queued has not ended: leave ended_since"),
        ({"ended_until": NOON, "lane": ["ready", "processing"]}, "that is queued or processing has not ended"),
    ],
)
def test_what_is_refused(filters: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        of(**filters)
