"""What a driver needs of a system to measure it; each system implements it on its own library."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Sequence

URL = "PEERS_URL"
"""The environment variable that tells the programs of a run where its store is."""


class Peer(ABC):
    """One system on one fresh store, as a program sees it that submits jobs.

    A job carries a number, and its handler does nothing but :func:`benchmarks.peers.marks.mark` it. The libraries are
    in another environment than mypy's, so the systems take them from ``importlib``, untyped.

    Attributes:
        batches: it can submit many jobs in one call.
        store: where the jobs are.
        variant: the setting that makes one system two.
    """

    batches: ClassVar[bool] = True

    def __init__(self, variant: str) -> None:
        self.store = os.environ[URL]
        self.variant = variant

    @abstractmethod
    async def prepare(self) -> None:
        """Make the tables."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, as a client."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect; it may be opened again."""

    @abstractmethod
    async def submit(self, number: int) -> None:
        """Submit one job; it is as durable as it gets when this returns."""

    async def submit_many(self, numbers: Sequence[int]) -> None:
        """Submit a batch in one call; one by one, where there is no such call."""
        for number in numbers:
            await self.submit(number)

    @abstractmethod
    async def left(self) -> int:
        """How many jobs are not yet completed in the store."""

    @abstractmethod
    def commands(self) -> list[list[str]]:
        """The worker processes to start, as arguments of Python."""

    async def check(self) -> None:  # noqa: B027 - most keep no books
        """Check its books, if it keeps any, once all jobs are done."""


class OnPostgres(Peer):
    """A system on PostgreSQL: what is left is counted by a connection of our own."""

    unfinished: str
    """SQL that counts what is left."""

    _connection: asyncpg.Connection

    async def open(self) -> None:
        self._connection = await asyncpg.connect(self.store)

    async def close(self) -> None:
        await self._connection.close()

    async def left(self) -> int:
        return int(await self._connection.fetchval(self.unfinished))
