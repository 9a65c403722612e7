"""From the command line to a supervisor."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING, Final

from jobledger._clock import SystemClock
from jobledger.cli.worker.announcer import Announcer
from jobledger.cli.worker.interpreter import interpreter
from jobledger.cli.worker.patience import Patience
from jobledger.cli.worker.supervisor import Supervisor
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from jobledger.cli.output import Output
    from jobledger.cli.worker.limits import Limits

MOST: Final = 256
"""More processes on one machine are a slip of the finger."""


def supervise(out: Output, target: str, url: str | None, processes: int, limits: Limits) -> int:
    """Keep worker processes alive until a signal.

    Args:
        out: where it is told.
        target: the App with the handlers.
        url: another store than the App's own.
        processes: how many workers.
        limits: the options of each worker.

    Returns:
        The exit code.

    Raises:
        InvalidOption: not so many processes, or not on this operating system.
    """
    _check(processes)
    limits.check()
    elsewhere = [] if url is None else [f"--url={url}"]
    command = [*interpreter(), "-m", "jobledger", "worker", target, *limits.words, *elsewhere]

    async def run() -> int:
        announcer = Announcer(out, limits)
        return await Supervisor(command, processes, Patience(limits.grace), announcer, SystemClock()).run()

    return asyncio.run(run())


def _check(processes: int) -> None:
    if not 1 <= processes <= MOST:
        raise InvalidOption(f"processes must be 1 to {MOST}, not {processes}")
    if importlib.util.find_spec("fcntl") is None:
        raise InvalidOption(
            "several processes need file locks as Linux and macOS have them: leave --processes out on this system"
        )
