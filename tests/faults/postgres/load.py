"""Callers that submit while something is broken, and what they were answered."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from jobledger.errors import CommitUnknown, OutcomeUnknown, StoreError
from tests.waiting import until

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from jobledger import App
    from jobledger._store.contract import Store

CALLERS = 8
MORE = 20
_PAUSE = 0.005


class Load:
    """Submits numbered jobs, from many callers at once, while the block runs.

    Attributes:
        acknowledged: by number, the ids that were answered.
        refused: by number, why; nothing of them may be there.
        unknown: numbers of which nobody knows.
    """

    def __init__(self, app: App, type_name: str, *, pause: float = _PAUSE, **payload: Any) -> None:
        self.acknowledged: dict[int, str] = {}
        self.refused: dict[int, StoreError] = {}
        self.unknown: set[int] = set()
        self._app = app
        self._type = type_name
        self._pause = pause
        self._payload = payload
        self._number = 0
        self._ended = False
        self._callers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._callers = [asyncio.ensure_future(self._call()) for _ in range(CALLERS)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        await asyncio.gather(*self._callers)

    async def _call(self) -> None:
        never = asyncio.get_running_loop().create_future()
        while not self._ended:
            number, self._number = self._number, self._number + 1
            try:
                job_id = await self._app.jobs.submit(self._type, self._payload | {"item": number})
            except (OutcomeUnknown, CommitUnknown):
                self.unknown.add(number)
            except StoreError as error:
                self.refused[number] = error
            else:
                self.acknowledged[number] = str(job_id)
            await asyncio.wait([never], timeout=self._pause)

    async def goes_on(self) -> None:
        """Some more are acknowledged."""
        enough = len(self.acknowledged) + MORE
        await until(lambda: len(self.acknowledged) >= enough, "submits go through", timeout=30)

    async def settled(self, app: App, wait: float = 60) -> None:
        """Every acknowledged job is complete; none is there twice, and none that was refused."""
        for job_id in self.acknowledged.values():
            await app.jobs.result(job_id, wait=wait)
        numbers = await self._numbers(app)
        assert len(numbers) == len(set(numbers)), "a submit is there twice"
        assert set(self.acknowledged) <= set(numbers)
        assert set(numbers) <= set(self.acknowledged) | self.unknown, "what was refused is there"

    async def _numbers(self, app: App) -> list[int]:
        store = app._opened_door().store
        numbers: list[int] = []
        after: str | None = None
        while True:
            page = await app.jobs.list(type=self._type, limit=1000, after=after)
            numbers += [await app._threads.read(partial(_number, store, job.id)) for job in page.jobs]
            after = page.next
            if after is None:
                return numbers


def _number(store: Store, job_id: str) -> int:
    record = store.record(job_id)
    assert record is not None
    return int(msgspec.json.decode(record.payload)["item"])
