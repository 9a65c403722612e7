"""What waits at the door."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from jobledger._core.commands import Count, Release, Report, Settle, Submit, SubmitAll

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from jobledger._core.commands import Command
    from jobledger._store.contract import Answer

log = logging.getLogger("jobledger.door")
_NOBODY: Final = 0
"""The writer that is the base: it never runs a job."""


class Entry:
    """One command in the queue and who waits for its answer."""

    __slots__ = ("_tell", "command")

    def __init__(self, command: Command, tell: Callable[[Answer | BaseException], None]) -> None:
        """Keep both."""
        self.command = command
        self._tell = tell

    def tell(self, answer: Answer | BaseException) -> None:
        """Answer; whoever can't take it must not keep the others from theirs."""
        try:
            self._tell(answer)
        except Exception as error:
            log.critical("an answer was not taken; this is a bug", exc_info=error)

    def as_nobodys(self) -> Entry:
        """What a running attempt said whose writer was fenced, as said by nobody: that is refused, and counted."""
        match self.command:
            case Settle() | Release() | Report() as said:
                return Entry(Release(said.job_id, said.key, said.run, _NOBODY), lambda _: None)
            case _:
                return self

    @property
    def is_running(self) -> bool:
        """Whether it comes from a running attempt; then it is kept until it is written."""
        return isinstance(self.command, Settle | Release | Report)

    @property
    def job_id(self) -> str:
        """The job that it is about; of a batch the first."""
        match self.command:
            case Submit():
                return self.command.id
            case SubmitAll():
                return self.command.items[0].id
            case Count():
                return "(none: own metrics)"
            case _:
                return self.command.job_id


def answering(future: asyncio.Future[Answer]) -> Callable[[Answer | BaseException], None]:
    """What tells an answer to whoever awaits this future, if somebody still does."""

    def tell(answer: Answer | BaseException) -> None:
        if future.done():
            return
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    return tell
