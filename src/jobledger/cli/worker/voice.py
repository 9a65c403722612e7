"""Where a worker says that it is ready and that it has stopped: to people and programs, or to its supervisor."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol

from jobledger.cli.source import public
from jobledger.cli.worker.line import Ready, Stopped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobledger.app import App
    from jobledger.cli.output import Output
    from jobledger.cli.worker.lifeline import Lifeline
    from jobledger.cli.worker.limits import Limits


class Voice(Protocol):
    """What a worker says of itself."""

    def ready(self, app: App, limits: Limits) -> None:
        """It claims jobs."""
        ...

    def stopped(self, attempts: Mapping[str, int], elapsed: float) -> None:
        """It has stopped in order, after so many seconds."""
        ...


class Aloud:
    """On stdout.

    Args:
        out: for people, or as JSON.
    """

    def __init__(self, out: Output) -> None:
        """Nothing is said yet."""
        self._out = out

    def ready(self, app: App, limits: Limits) -> None:
        """One line, at once, even into a pipe."""
        told = {"store": public(app.url), "types": [*app.handled], "slots": limits.slots, "threads": limits.threads}
        if self._out.as_json:
            self._out.data({"event": "started", "pid": os.getpid(), **told})
            return
        types = ", ".join(app.handled)
        self._out.line(f"worker {os.getpid()} on {told['store']}: {types} ({limits}); Ctrl-C stops it")
        sys.stdout.flush()

    def stopped(self, attempts: Mapping[str, int], elapsed: float) -> None:
        """One line."""
        if self._out.as_json:
            told = {"seconds": round(elapsed, 3), "attempts": dict(attempts)}
            self._out.data({"event": "stopped", "pid": os.getpid(), **told})
            return
        self._out.line(f"worker {os.getpid()} stopped after {elapsed:.1f} s: {counted(attempts)}")


class ToSupervisor:
    """On the line.

    Args:
        lifeline: this end of it.
    """

    def __init__(self, lifeline: Lifeline) -> None:
        """Nothing is said yet."""
        self._lifeline = lifeline

    def ready(self, app: App, limits: Limits) -> None:  # noqa: ARG002 - the supervisor knows the limits
        """The supervisor says the line, when all are ready."""
        self._lifeline.say(Ready(public(app.url), [*app.handled]))

    def stopped(self, attempts: Mapping[str, int], elapsed: float) -> None:  # noqa: ARG002 - it has a clock
        """The supervisor adds them up."""
        self._lifeline.say(Stopped(dict(attempts)))


def counted(attempts: Mapping[str, int]) -> str:
    """What came of attempts, in words."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(attempts.items())) or "no attempts"
