"""Instants as people type them."""

from datetime import UTC, datetime, timedelta

import pytest

from jobledger.cli.instants import instant
from jobledger.errors import InvalidOption

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90s", timedelta(seconds=90)), ("15m", timedelta(minutes=15)), ("15min", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)), ("7d", timedelta(days=7)), ("2w", timedelta(weeks=2)),
        ("1h30m", timedelta(minutes=90)), ("1.5h", timedelta(minutes=90)), ("0s", timedelta()),
    ],
)  # fmt: skip
def test_how_long_ago(text: str, ago: timedelta) -> None:
    assert instant(text, "--since", NOON) == NOON - ago


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-02T12:00", NOON), ("2026-01-02 12:00:00", NOON), ("2026-01-02T12:00Z", NOON),
        ("2026-01-02T13:00+01:00", NOON), ("2026-01-02", NOON.replace(hour=0)),
    ],
)  # fmt: skip
def test_when(text: str, at: datetime) -> None:
    found = instant(text, "--since", NOON)
    assert found == at
    assert found is not None
    assert found.tzinfo is not None


def test_nothing_is_nothing() -> None:
    assert instant(None, "--since", NOON) is None


@pytest.mark.parametrize("text", ["", "soon", "2", "-2h", "2 h", "h", "2x", "1h-", "2026-13-01", "12:00", "9999999w"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(InvalidOption, match="--since must be a length of time such as 90s, 15m, 2h or 7d, or a time"):
        instant(text, "--since", NOON)
