"""What the server computes by itself equals the core's own: the bucket of a time span, and the weighted pick."""

from __future__ import annotations

import random
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import pytest

from jobledger._core.catalog import BOUNDARIES, ladder
from jobledger._core.priority import Stride
from tests.postgres_place import PostgresPlace, Schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]
LADDER = list(ladder(BOUNDARIES))


@pytest.fixture(scope="module")
def place(postgres_schemas: Schemas) -> Iterator[PostgresPlace]:
    place = PostgresPlace(postgres_schemas)
    store = place(lambda: 0)
    store.declare((), 0)
    store.close()
    yield place
    place.forget()


def test_a_time_span_falls_into_the_same_bucket(place: PostgresPlace) -> None:
    edges = [edge + off for edge in LADDER for off in (-1, 0, 1)]
    amounts = [-5, 0, 1, *edges, 10**15]

    async def asked(connection: Connection) -> list[int]:
        text = f"SELECT {place.target.schema}.bucket($1, $2)"
        return [await connection.fetchval(text, amount, LADDER) for amount in amounts]

    assert place.ask(asked) == [bisect_left(LADDER, max(amount, 0)) for amount in amounts]


def test_the_next_starts_belong_to_the_same_priorities(place: PostgresPlace) -> None:
    rng = random.Random(7)
    cases: list[tuple[list[int], list[bool], int]] = [
        ([rng.randrange(30) for _ in range(4)], [rng.random() < 0.6 for _ in range(4)], rng.choice((0, 1, 3, 40, 500)))
        for _ in range(300)
    ]

    async def asked(connection: Connection) -> list[Any]:
        text = f"SELECT {place.target.schema}.quotas($1::integer[], $2::boolean[], $3)"
        return [await connection.fetchval(text, *case) for case in cases]

    expected = [
        Stride(tuple(marks)).quotas(slots, [priority for priority in range(4) if waiting[priority]])
        for marks, waiting, slots in cases
    ]
    assert place.ask(asked) == expected
