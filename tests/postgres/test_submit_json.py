"""What SQL takes as a payload can be read again by everybody, and what Python takes, SQL takes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobledger._config import MAX_DEPTH, MAX_DIGITS
from jobledger._store.codec import decode, encode_payload
from jobledger._store.contract import Declaration
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target
from jobledger.errors import InvalidPayload
from tests.postgres.drivers import plain_dsn
from tests.postgres.filled import connected
from tests.property.hostile.values import BROWSE, JSON, TEXTS

if TYPE_CHECKING:
    import asyncpg

VERDICTS = "SELECT t.text, {schema}.unreadable(t.text) FROM unnest($1::text[]) AS t(text)"
SUBMIT = """
    SELECT s.id FROM {schema}.submit_all(
        json_build_array(json_build_object('type', 'mail', 'payload', $1::text)), false
    ) s
"""
LEFT = "SELECT (SELECT count(*) FROM {schema}.job), (SELECT count(*) FROM {schema}.ledger_delta)"


@pytest.fixture
def schema(postgres_schema: str) -> str:
    """With one type that is known."""
    store = PostgresStore(Target.of(postgres_schema))
    store.declare((Declaration("mail", "mail"),), 200)
    store.close()
    return postgres_schema


def asked(url: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    async def ask() -> list[asyncpg.Record]:
        async with connected(plain_dsn(url)) as connection:
            return await connection.fetch(statement.format(schema=Target.of(url).schema), *values)

    return [tuple(row) for row in asyncio.run(ask())]


def lists(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (lists(MAX_DEPTH), "nested more than 200 deep"),
        (lists(50_000), "nested more than 200 deep|stack depth"),
        ('{"in":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH, "nested more than 200 deep"),
        ('["\\"]", ' + lists(MAX_DEPTH) + "]", "nested more than 200 deep"),
        ("9" * (MAX_DIGITS + 1), "more than 4000 digits"),
        ("1e999", "out of range"),
        ("-" + "9" * 400 + ".5", "out of range"),
        ('"\\ud800"', "half a surrogate pair"),
        ('"\\udc00\\ud800"', "half a surrogate pair"),
        ('"\\\\\\ud800 \\ud83d\\ude00"', "half a surrogate pair"),
    ],
)
def test_what_nobody_could_read_again_is_refused(schema: str, value: str, why: str) -> None:
    """A role that may only submit must not be able to make a job that can't be shown."""
    with pytest.raises(Exception, match=why) as refused:
        asked(schema, SUBMIT, f'{{"a":{value}}}')
    assert getattr(refused.value, "sqlstate", None) in {"JL005", "54001"}
    assert asked(schema, LEFT) == [(0, 0)]


@pytest.mark.parametrize(
    "value",
    [
        lists(MAX_DEPTH - 1),
        f'"{lists(MAX_DEPTH)}"',
        f'["\\"{lists(MAX_DEPTH)}", "\\\\", {lists(MAX_DEPTH - 2)}]',
        "9" * MAX_DIGITS,
        f'"{"9" * MAX_DIGITS}9"',
        "1e308",
        '"1e999"',
        '"\\ud83d\\ude00 \\u0000 \\\\ud800"',
    ],
)
def test_what_only_looks_like_it_is_taken(schema: str, value: str) -> None:
    payload = f'{{"a":{value}}}'
    asked(schema, SUBMIT, payload)
    assert decode(payload.encode()) == json.loads(payload)


@given(st.lists(st.dictionaries(TEXTS, JSON, max_size=4), min_size=20, max_size=20))
@BROWSE
def test_whatever_it_is(schema: str, payloads: list[dict[str, Any]]) -> None:
    """Escaped to ASCII, as most libraries write it; and as this one does."""
    escaped = [text for text in map(json.dumps, payloads) if "NaN" not in text and "Infinity" not in text]
    ours = [text for text in map(encoded, payloads) if text is not None]
    for text, why in asked(schema, VERDICTS, escaped):
        if why is None:
            assert json.dumps(decode(text.encode())) == text
    assert [why for _, why in asked(schema, VERDICTS, ours) if why is not None] == []


def encoded(payload: dict[str, Any]) -> str | None:
    try:
        return encode_payload(payload).decode()
    except InvalidPayload:
        return None
