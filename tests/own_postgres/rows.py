"""A few statements to servers that come and go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url, timeout=20, command_timeout=20)
    try:
        yield connection
    finally:
        connection.terminate()


async def value(url: str, statement: str) -> object:
    async with connected(url) as connection:
        return await connection.fetchval(statement)


async def do(url: str, *statements: str) -> None:
    async with connected(url) as connection:
        for statement in statements:
            await connection.execute(statement)
