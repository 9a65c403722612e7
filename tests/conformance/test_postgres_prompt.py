"""The PostgreSQL store's other way to commit, on the caller's loop, against the topics that take it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from jobledger._store.postgres.store import PostgresStore
from jobledger.conformance.booking import *  # noqa: F403
from jobledger.conformance.claiming import *  # noqa: F403
from jobledger.conformance.fencing import *  # noqa: F403
from jobledger.conformance.fixtures import *  # noqa: F403
from jobledger.conformance.mailboxes import *  # noqa: F403
from jobledger.conformance.retrying import *  # noqa: F403
from jobledger.conformance.settling import *  # noqa: F403
from jobledger.conformance.submitting import *  # noqa: F403
from tests.postgres_place import PostgresPlace, Schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobledger._store.contract import Batch, Committed

pytestmark = pytest.mark.unaudited("the suite audits after each of its tests itself")


class PromptStore(PostgresStore):
    """Commits on a loop, and in the thread what that leaves to it: as a door does."""

    def commit(self, batch: Batch) -> Committed:
        self._here = getattr(self, "_here", None) or asyncio.new_event_loop()
        committed = self._here.run_until_complete(self.commit_here(batch))
        return committed if committed is not None else super().commit(batch)

    def close(self) -> None:
        if (here := getattr(self, "_here", None)) is not None and not here.is_closed():
            here.run_until_complete(self.leave_here())
            here.close()
        super().close()


class PromptPlace(PostgresPlace):
    def __call__(self, now: Callable[[], int], boundaries: tuple[float, ...] | None = None) -> PostgresStore:
        made = super().__call__(now, boundaries)
        return PromptStore(made.target, now, boundaries, migrating=True)


@pytest.fixture
def store_factory(postgres_schemas: Schemas) -> Iterator[PromptPlace]:
    place = PromptPlace(postgres_schemas)
    yield place
    place.forget()
