"""One question to many jobs: each has its own answer, and one error doesn't stop the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

from jobledger.cli.output import described
from jobledger.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from jobledger.cli.output import Output

Told: TypeAlias = tuple[str, dict[str, Any]]
"""An answer in words, and as data."""

_AT_ONCE = 500
"""As many as one commit takes."""


class Answers:
    """What came of asking.

    Args:
        ask: the question to one job.

    Attributes:
        told: the answers by job, in the order of asking.
    """

    def __init__(self, ask: Callable[[str], Awaitable[Told]]) -> None:
        """Nothing asked yet."""
        self.told: dict[str, Told | JobError] = {}
        self._ask = ask

    async def ask(self, job_ids: Sequence[str], advance: Callable[[int], object] | None = None) -> None:
        """Ask all of them, many at once."""
        unique = [*dict.fromkeys(job_ids)]
        for at in range(0, len(unique), _AT_ONCE):
            some = unique[at : at + _AT_ONCE]
            self.told.update(zip(some, await asyncio.gather(*map(self._one, some)), strict=True))
            if advance is not None:
                advance(len(some))

    @property
    def errors(self) -> list[JobError]:
        """The answers that are errors."""
        return [answer for answer in self.told.values() if isinstance(answer, JobError)]

    async def _one(self, job_id: str) -> Told | JobError:
        try:
            return await self._ask(job_id)
        except JobError as error:
            return error


def tell_each(out: Output, answers: Answers) -> int:
    """Tell every answer.

    Returns:
        The exit code: 1 if one of them is an error.
    """
    if out.as_json:
        out.data({"jobs": [_as_data(job_id, answer) for job_id, answer in answers.told.items()]})
        return 1 if answers.errors else 0
    for job_id, answer in answers.told.items():
        if isinstance(answer, JobError):
            out.error(answer)
        else:
            out.line(f"{job_id}  {answer[0]}")
    return 1 if answers.errors else 0


def _as_data(job_id: str, answer: Told | JobError) -> dict[str, Any]:
    return {"id": job_id} | ({"error": described(answer)} if isinstance(answer, JobError) else answer[1])
