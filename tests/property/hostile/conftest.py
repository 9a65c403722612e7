"""What strangers may send, on every store: an App that is open, and a look at all that it has counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from jobledger import App
from jobledger.errors import JobledgerError
from tests.both_stores import url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["url"]
TYPE = "work"


class Refused(NamedTuple):
    """A call ended with an error of jobledger's, and nothing was changed by it."""

    error: JobledgerError


class Desk:
    """An open App with one type."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def tried(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer; or that it was refused, with a word of explanation, and nothing was changed.

        Any other exception goes on.
        """
        before = await self.state()
        try:
            return await ask()
        except JobledgerError as error:
            refused = Refused(error)
        assert str(refused.error)
        assert await self.state() == before
        return refused

    async def state(self) -> tuple[object, ...]:
        """All numbers and names that the books have."""
        read = await self.app._ledger()
        return read.cells, read.types, read.user_series


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    app = App(url)
    async with app:
        await app.declare(TYPE)
        yield Desk(app)
