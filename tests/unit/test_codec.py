"""JSON in and out, and nothing else."""

import dataclasses
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pydantic
import pytest

from jobledger._config import MAX_PAYLOAD
from jobledger._store.codec import decode, encode, encode_payload
from jobledger.errors import InvalidPayload


class Colour(Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int


class Struct(msgspec.Struct):
    y: int


class Model(pydantic.BaseModel):
    z: datetime


def looped() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        ("tea ☕", "tea ☕"),
        (10**30, 10**30),
        (1.5, 1.5),
        (Decimal("1.10"), "1.10"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"bytes", "Ynl0ZXM="),
        (Colour.RED, "red"),
        ((1, 2), [1, 2]),
        (frozenset({1}), [1]),
        ({1: "one"}, {"1": "one"}),
        (Point(1), {"x": 1}),
        (Struct(2), {"y": 2}),
        (Model(z=datetime(2026, 1, 2, tzinfo=UTC)), {"z": "2026-01-02T00:00:00Z"}),
        ([Model(z=datetime(2026, 1, 2, tzinfo=UTC))], [{"z": "2026-01-02T00:00:00Z"}]),
        (float("nan"), None),
    ],
)
def test_what_json_can_say(value: Any, plain: Any) -> None:
    """A number that JSON has no word for is null, as in JavaScript."""
    assert decode(encode(value)) == plain


@pytest.mark.parametrize("value", [object(), Model, lambda: None, {(1,): 2}, "\ud800", 1j, looped(), deep(), open])
def test_what_json_has_no_form_for(value: Any) -> None:
    with pytest.raises(InvalidPayload, match="not JSON"):
        encode(value)


def test_a_payload_is_an_object_of_limited_size() -> None:
    assert encode_payload({}) == b"{}"
    assert len(encode_payload({"x": "a" * (MAX_PAYLOAD - 8)})) == MAX_PAYLOAD
    with pytest.raises(InvalidPayload, match=r"262,145 bytes, more than 262,144"):
        encode_payload({"x": "a" * (MAX_PAYLOAD - 7)})
    with pytest.raises(InvalidPayload, match="a payload is a JSON object"):
        encode_payload([])  # type: ignore[arg-type]
