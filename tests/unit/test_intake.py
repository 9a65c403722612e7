"""Everything that can be wrong with a submit is found before anything is sent."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest

from jobledger import Item, Priority
from jobledger._clock import SystemClock
from jobledger._config import MAX_NAME
from jobledger._core.commands import Submit
from jobledger._core.reads import JobType
from jobledger._store.building import Builder
from jobledger._store.codec import encode_payload
from jobledger._store.intake import Options, limit_of, name_of, priority_of, seconds_of
from jobledger._store.known import KnownTypes
from jobledger.errors import InvalidOption, InvalidPayload

TYPE = JobType(7, "mail", "mail", priority=1, max_attempts=4, max_losses=2, timeout=5_000_000)


def builder(check: Callable[[str, bytes], None] = lambda *_: None) -> Builder:
    known = KnownTypes()
    known.learn([TYPE])
    return Builder(SystemClock(), known, check)


def built(payload: Any = None, **options: Any) -> Submit:
    return builder().one("mail", payload, Options.of(options)).sent  # type: ignore[arg-type]


def test_what_is_not_said_comes_from_the_type() -> None:
    sent = built()
    assert (len(sent.id), sent.type_id, sent.payload) == (36, 7, b"{}")
    assert (sent.priority, sent.max_attempts, sent.max_losses, sent.timeout) == (1, 4, 2, 5_000_000)
    assert (sent.entity, sent.delay, sent.due_at, sent.dedupe, sent.dedupe_for) == (None, 0, None, None, 0)


def test_what_is_said_wins() -> None:
    sent = built(
        {"a": 1}, entity="e", priority="low", delay=1.5, timeout=0.5, max_attempts=9, dedupe="k", dedupe_for=2,
        batch="b", trace="t",
    )  # fmt: skip
    assert (sent.payload, sent.entity, sent.priority, sent.delay) == (b'{"a":1}', "e", 3, 1_500_000)
    assert (sent.timeout, sent.max_attempts, sent.dedupe, sent.dedupe_for) == (500_000, 9, "k", 2_000_000)
    assert (sent.batch, sent.trace) == ("b", "t")


def test_an_instant_is_kept_to_the_microsecond() -> None:
    at = datetime(2030, 1, 2, 3, 4, 5, 678_901, tzinfo=timezone(timedelta(hours=-5)))
    assert built(at=at).due_at == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_the_payload_is_checked_by_its_handler() -> None:
    seen: list[tuple[str, bytes]] = []
    builder(lambda name, payload: seen.append((name, payload))).one("mail", {"a": 1}, Options())
    assert seen == [("mail", b'{"a":1}')]


class Nowhere(tzinfo):
    """A time zone that knows no offset."""

    def utcoffset(self, _: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


BAD: list[tuple[dict[str, Any], str]] = [
    ({"priority": "urgent"}, "unknown priority 'urgent'"),
    ({"priority": 2}, "unknown priority 2"),
    ({"priority": ["high"]}, "unknown priority"),
    ({"entity": ""}, "entity must have 1 to 255 characters, not 0"),
    ({"entity": "x" * 256}, "entity must have 1 to 255 characters, not 256"),
    ({"entity": 42}, "entity must be a string, not int"),
    ({"entity": "a\x00"}, "control character"),
    ({"entity": "a\x7f"}, "control character"),
    ({"entity": "\ud800"}, "half a surrogate pair"),
    ({"dedupe": ""}, "dedupe must have"),
    ({"dedupe": b"k"}, "dedupe must be a string, not bytes"),
    ({"batch": "a\n"}, "batch .* control character"),
    ({"trace": "x" * 1000}, "trace must have"),
    ({"delay": -1}, "delay must be at least 0"),
    ({"delay": -1e-9}, "delay must be at least 0"),
    ({"delay": float("nan")}, "delay must be a number of seconds"),
    ({"delay": float("inf")}, "delay must be a number of seconds"),
    ({"delay": 10**400}, "delay must be .*at most ten years"),
    ({"delay": 4e8}, "at most ten years"),
    ({"delay": "5"}, "delay must be a number of seconds, not '5'"),
    ({"delay": True}, "delay must be a number of seconds"),
    ({"delay": timedelta(seconds=5)}, "delay must be a number of seconds"),
    ({"delay": 0, "at": datetime(2030, 1, 1, tzinfo=UTC)}, "delay or at, not both"),
    ({"at": datetime(2030, 1, 1)}, "with a time zone"),  # noqa: DTZ001 - the point
    ({"at": datetime(2030, 1, 1, tzinfo=Nowhere())}, "with a time zone"),
    ({"at": "2030-01-01"}, "with a time zone"),
    ({"at": 1_900_000_000}, "with a time zone"),
    ({"at": datetime.max.replace(tzinfo=UTC)}, "before the year 9000"),
    ({"timeout": 0}, "timeout must be more than 0"),
    ({"timeout": 1e-9}, "timeout must be more than 0"),
    ({"timeout": -5}, "timeout must be more than 0"),
    ({"timeout": "1m"}, "timeout must be a number"),
    ({"max_attempts": 0}, "max_attempts must be a whole number from 1"),
    ({"max_attempts": 2.0}, "max_attempts must be a whole number"),
    ({"max_attempts": True}, "max_attempts must be a whole number"),
    ({"max_attempts": 2**63}, "max_attempts must be a whole number from 1 to"),
    ({"dedupe_for": 60}, "dedupe_for needs dedupe"),
    ({"dedupe": "k", "dedupe_for": 0}, "dedupe_for must be more than 0"),
    ({"dedupe": "k", "dedupe_for": 1e-9}, "dedupe_for must be more than 0"),
    ({"dedupe": "k", "dedupe_for": -1}, "dedupe_for must be more than 0"),
    ({"on_duplicate": "ignore"}, 'on_duplicate is "return" or "raise"'),
    ({"on_duplicate": None}, 'on_duplicate is "return" or "raise"'),
    ({"on_duplicate": []}, 'on_duplicate is "return" or "raise"'),
    ({"dealy": 5}, "there is no option 'dealy': use entity, priority, delay"),
]


@pytest.mark.parametrize(("options", "says"), BAD, ids=lambda value: repr(value)[:60])
def test_every_bad_option_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        built(**options)


@pytest.mark.parametrize("payload", [[], [1], "{}", 5, ("a",), None])
def test_every_bad_payload_is_refused(payload: Any) -> None:
    with pytest.raises(InvalidPayload, match="a payload is a JSON object"):
        encode_payload(payload)


def test_jobs_of_a_batch_have_their_own_payloads_and_options() -> None:
    """What they have in common is made once."""
    items = [{"n": 1}, Item({"n": 2}, priority="low"), {"n": 3}]
    made = builder().many("mail", items, Options(priority="high", entity="e"))
    assert [(one.sent.payload, one.sent.priority, one.sent.entity) for one in made] == [
        (b'{"n":1}', 1, "e"), (b'{"n":2}', 3, "e"), (b'{"n":3}', 1, "e"),
    ]  # fmt: skip
    assert len({one.sent.id for one in made}) == 3
    assert all(one.sent.id == str(one.job_id) for one in made)


@pytest.mark.parametrize("value", ["x", "x" * MAX_NAME, "customer:42", "Ωmega 😀", " "])
def test_any_printable_name_is_taken(value: str) -> None:
    assert name_of(value, "entity") == value


@pytest.mark.parametrize("value", [0, 0.5, 10 * 365 * 86_400])
def test_any_sensible_time_is_taken(value: float) -> None:
    assert seconds_of(value, "delay") == value


def test_priorities_by_word_and_by_value() -> None:
    assert [priority_of(priority.label) for priority in Priority] == list(Priority)
    assert [priority_of(priority) for priority in Priority] == list(Priority)


def test_limits() -> None:
    assert limit_of(1, "max_attempts") == 1
    assert limit_of(1_000_000, "max_attempts") == 1_000_000


def test_extreme_instants() -> None:
    """What has passed means now, however long ago."""
    assert built(at=datetime.min.replace(tzinfo=UTC)).due_at is not None
