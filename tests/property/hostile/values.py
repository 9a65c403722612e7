"""What strangers send: texts that mean something to somebody, numbers that fit nowhere, JSON of any shape."""

from __future__ import annotations

import json
import math
import os
from datetime import UTC, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from unicodedata import category

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

TIMES: Final = int(os.environ.get("JOBLEDGER_TEST_EXAMPLES", "1"))
"""So many times as many examples as the default run has time for; that one tries the same ones each time."""
BROWSE: Final = settings(
    max_examples=40 * TIMES,
    derandomize=TIMES == 1,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FEW: Final = settings(BROWSE, max_examples=6 * TIMES)
"""Where one example takes long."""
MEANT: Final = (
    "'; DROP TABLE job; --", "\" OR ''='", "$1", "%s", "{0}", "\\'", "1) UNION SELECT * FROM writer --", "$$", ":name",
    '{type="x"} or vector(1)', '"} 1\njobs_completed_total{type="', "\\n", "#", "# HELP x y", "le", "__name__", "+Inf",
    "\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\n", "\t", "\x08\x08", "\x7f", "\x85", "\u2028",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;", "javascript:alert(1)",
    "\x00", "\u202e", "\u2066", "\u200b", "\ufeff", "\u200d", "\u0301", "\ufdfa", "\U000e0001", "\U0010ffff", "\ufffe",
    "\ud800", "\udcff", "\udfff", "é", "日本", "🏳️‍🌈", "[red]", "[/]", ":smile:", "../..", "~", "-", "--help", "@file",
    "NaN", "null", "0", "1e999", "Infinity", "True", "=cmd|' /C calc'!A0", "x" * 255, "x" * 256, "\u0130" * 120,
)  # fmt: skip
"""SQL, formats, PromQL, ANSI escapes, HTML, invisible and unpaired characters, options, spreadsheets, lengths."""
TEXTS: Final = st.lists(
    st.sampled_from(MEANT) | st.text(st.characters(exclude_categories=()), max_size=5), max_size=4
).map("".join)
UNSAYABLE: Final = 10**5_000
"""An integer that Python gives no text of; Hypothesis can't report one, either, so it makes none."""
HUGE: Final = st.sampled_from([10**19, 2**63, 2**64, 10**400, 10**4_299])
NUMBERS: Final[SearchStrategy[int | float]] = st.one_of(
    st.integers(), st.floats(), HUGE, HUGE.map(lambda number: -number), st.integers(-5, 5)
)
MOMENTS: Final = st.datetimes(
    timezones=st.none()
    | st.just(UTC)
    | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
)
ODD: Final = st.sampled_from(
    [b"x", Decimal("NaN"), Decimal(1), 1j, (), object(), type, timedelta(1), range(3), {1}, ..., print]
)
JSON: Final[SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
ANY: Final[SearchStrategy[Any]] = st.one_of(TEXTS, NUMBERS, ODD, MOMENTS, JSON)
"""Whatever a caller can put in the place of something else."""


def is_harmless(text: str) -> bool:
    """Nothing that a terminal obeys or that turns a line around; joiners of scripts and emoji are no harm."""
    return all(one in "\u200c\u200d" or category(one) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for one in text)


def exact(value: object) -> str:
    """A text that two values share only if they are the same in JSON, down to the kind of number."""
    return json.dumps(value, sort_keys=True)


def is_sayable(value: object) -> bool:
    """Whether JSON can say it: no half of a surrogate pair, no NaN."""
    match value:
        case str():
            return not any(0xD800 <= ord(character) <= 0xDFFF for character in value)
        case float():
            return math.isfinite(value)
        case dict():
            return all(is_sayable(one) for pair in value.items() for one in pair)
        case list():
            return all(map(is_sayable, value))
        case _:
            return True


def nested(depth: int, leaf: object, *, lists: bool) -> object:
    """So many lists or objects, one in the other."""
    value = leaf
    for _ in range(depth):
        value = [value] if lists else {"in": value}
    return value
