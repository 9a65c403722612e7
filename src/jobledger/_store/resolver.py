"""What came of a batch whose answer was lost: it is read back, or the batch is sent again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from jobledger.errors import CommitUnknown, DiskFailed, Fenced, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jobledger._store.contract import Batch, Committed
    from jobledger._store.patience import Patience

log = logging.getLogger("jobledger.door")


class Unresolved(Exception):
    """The writer of a batch of unknown outcome is gone, or has gone on."""


class Resolver:
    """Commits batches, and goes on until it is known what came of each.

    Args:
        commit: commits one, as the store's contract says; ``recall`` is the contract's, too.
        patience: pauses while the store can't say it.
        is_broken: whether nothing can be written any more, ever.
    """

    def __init__(
        self,
        commit: Callable[[Batch], Awaitable[Committed]],
        recall: Callable[[Batch], Awaitable[Committed | None]],
        patience: Patience,
        is_broken: Callable[[], bool],
    ) -> None:
        """Nothing is on its way."""
        self._commit = commit
        self._recall_from = recall
        self._patience = patience
        self._is_broken = is_broken

    async def commit(self, batch: Batch) -> tuple[Committed, bool]:
        """Commit a batch; and whether its answer was lost on the way.

        Raises:
            Unresolved: it can't be found out.
            Fenced: nothing was applied, as for every other StoreError.
        """
        try:
            return await self._commit(batch), False
        except CommitUnknown:
            log.warning("the answer of batch %d is lost: reading it back", batch.number)
        except DiskFailed as error:
            raise Unresolved from error
        return await self._resolved(batch), True

    async def _resolved(self, batch: Batch) -> Committed:
        while True:
            try:
                if (recalled := await self._recall(batch)) is None:
                    return await self._again(batch)
            except StoreError as error:
                if self._is_broken():
                    raise Unresolved from error
                self._patience.failed("a batch can't be read back yet", error)
                await self._patience.rest()
            else:
                return recalled

    async def _again(self, batch: Batch) -> Committed:
        """The first copy may have been on its way all along: then it is that one by which this one is refused."""
        try:
            return await self._commit(batch)
        except Fenced:
            if (recalled := await self._recall(batch)) is None:
                raise
            return recalled

    async def _recall(self, batch: Batch) -> Committed | None:
        try:
            return await self._recall_from(batch)
        except Fenced as error:
            raise Unresolved from error
