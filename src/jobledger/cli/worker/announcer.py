"""What a supervisor tells: two lines on stdout, or events as JSON; and every change in the log."""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

from jobledger._escape import shown
from jobledger.cli.worker.voice import counted
from jobledger.errors import JobledgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger.cli.output import Output
    from jobledger.cli.worker.child import Child
    from jobledger.cli.worker.limits import Limits

log = logging.getLogger("jobledger.supervisor")


class Announcer:
    """Tells how the workers are. A stdout that can't be written any more stops no worker.

    Args:
        out: for people, or as JSON.
        limits: the options of each worker.

    Attributes:
        serving: the pids of the workers that claim jobs now; each event names them.
    """

    def __init__(self, out: Output, limits: Limits) -> None:
        """Nothing is told yet."""
        self.serving: Callable[[], list[int]] = list
        self._out = out
        self._limits = limits
        self._attempts: Counter[str] = Counter()

    def started(self, child: Child) -> None:
        """A process was started."""
        self._event("started", child.pid)

    def ready(self, child: Child) -> None:
        """It claims jobs."""
        self._event("ready", child.pid)
        log.info("worker %d is ready", child.pid)

    def late(self, child: Child, seconds: float) -> None:
        """It has been starting for long; that may be right."""
        log.warning("worker %d is still not ready after %g s", child.pid, seconds)

    def all_ready(self, child: Child) -> None:
        """For the first time all of them claim jobs."""
        if self._out.as_json:
            return
        me, said, pids = os.getpid(), child.ready.result(), self.serving()
        self._line(
            f"supervisor {me} on {said.store}: {len(pids)} workers {', '.join(map(str, pids))}: "
            f"{', '.join(said.types)} ({self._limits} each); Ctrl-C stops them, kill -HUP {me} replaces them one by one"
        )

    def ended(self, child: Child) -> None:
        """A process has ended."""
        self._attempts.update(child.attempts or {})
        seconds = round(child.lived, 3)
        self._event("ended", child.pid, how=child.how, exit_code=child.exit_code, seconds=seconds)
        if child.dismissed and child.ready.done():
            log.log(logging.WARNING if child.exit_code else logging.INFO, "%s", _obituary(child))

    def restarting(self, child: Child, pause: float) -> None:
        """Nobody asked it to end; another one will be started."""
        self._event("restarting", child.pid, how=child.how, error=child.error, pause=round(pause, 3))
        log.warning("%s; another one starts in %.1f s", _obituary(child), pause)

    def unstartable(self, error: OSError, pause: float) -> None:
        """The system refuses to start a process."""
        log.error("a worker can't be started: %s; again in %.1f s", error, pause)

    def refused(self, child: Child) -> None:
        """What is asked for can't work: the error of the first worker stands for all."""
        error = child.error
        if error is None:
            log.error("%s; it would be the same again, so all are stopped", _obituary(child))
        elif self._out.as_json:
            self._data({"error": error})
        else:
            self._out.error(JobledgerError(error["message"]))

    def stopping(self) -> None:
        """The first signal came."""
        log.info("stopping: running jobs get %g s, a second signal ends that", self._limits.grace)

    def hurrying(self) -> None:
        """Another signal came."""
        log.warning("second signal: running jobs are stopped now")

    def terminal_gone(self) -> None:
        """It hung up, and that should not matter."""
        log.info("the terminal is gone: the workers go on")

    def killed(self, child: Child, patience: float) -> None:
        """It had outlived its time."""
        log.error(
            "worker %d still ran %g s after it was asked to stop, and was killed: its jobs are taken over by others",
            child.pid, patience,
        )  # fmt: skip

    def rolling(self) -> None:
        """Each worker is going to be replaced."""
        self._event("rolling", os.getpid())
        log.info("rolling restart: each worker stops when its successor is ready")

    def replaced(self, old: Child | None, new: Child) -> None:
        """A successor is ready; its predecessor, if it lives, is asked to stop."""
        before = None if old is None else old.pid
        self._event("replaced", before, by=new.pid)
        log.info("worker %s is replaced by %d", before, new.pid)

    def rolled(self) -> None:
        """The rolling restart is over."""
        self._event("rolled", os.getpid(), complete=True)
        log.info("rolling restart: all workers are new")

    def halted(self, why: str | Child) -> None:
        """The rolling restart is over, because a successor did not become ready."""
        told = why if isinstance(why, str) else _obituary(why)
        error = None if isinstance(why, str) else why.error
        self._event("rolled", os.getpid(), complete=False, why=told, error=error)
        log.error("rolling restart halted: %s; the other workers go on as they are", told)

    def stopped(self, code: int, elapsed: float) -> None:
        """All have ended."""
        if self._out.as_json:
            self._event(
                "stopped", os.getpid(), exit_code=code, seconds=round(elapsed, 3), attempts=dict(self._attempts)
            )
        else:
            self._line(f"supervisor {os.getpid()} stopped after {elapsed:.1f} s: {counted(self._attempts)}")

    def _event(self, event: str, pid: int | None, **more: object) -> None:
        if self._out.as_json:
            self._data({"event": event, "pid": pid, "ready": self.serving(), **more})

    def _data(self, value: object) -> None:
        self._safely(lambda: self._out.data(value))

    def _line(self, text: str) -> None:
        self._safely(lambda: self._out.exact(f"{shown(text)}\n"))

    def _safely(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            log.warning("nobody reads stdout any more (%s): the workers go on", error)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _obituary(child: Child) -> str:
    why = f" ({child.error['message']})" if child.error else ""
    return f"worker {child.pid} ended after {child.lived:.1f} s with {child.how}{why}"
