"""``jobledger worker``: run jobs in this process until a signal."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from jobledger._config import DEFAULT_GRACE_SECONDS, DEFAULT_SLOTS
from jobledger.cli.logs import log_to_stderr
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.session import Session, reported
from jobledger.cli.source import load, public
from jobledger.errors import InvalidOption, WorkerStuck

if TYPE_CHECKING:
    from jobledger._runtime.node import Node
    from jobledger.app import App
    from jobledger.cli.output import Output

EPILOG = """\b
Examples:
  jobledger worker myproject.jobs:app
  jobledger worker jobs:app --slots 20 --grace 60 --url sqlite:////var/lib/jobs.db"""

STUCK: Final = 70
"""The exit code of a worker whose code did not stop (EX_SOFTWARE of sysexits.h)."""
log = logging.getLogger("jobledger.worker")


def worker(
    target: Annotated[
        str | None, typer.Argument(metavar="MODULE:ATTR", help="The App with the handlers.", show_default=False)
    ] = None,
    *,
    slots: Annotated[int, typer.Option(metavar="N", help="async def handlers at once.")] = DEFAULT_SLOTS,
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="def handlers at once; else twice the cores.")
    ] = None,
    grace: Annotated[
        float, typer.Option(metavar="SECONDS", help="What running jobs get to end after a signal.")
    ] = DEFAULT_GRACE_SECONDS,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run jobs in this process until SIGTERM or Ctrl-C.

    Then nothing more is claimed; running jobs get the grace time to end, and are stopped and put back at its end,
    which costs them no attempt. A second signal ends the grace time. Code that will not stop leaves the exit code
    70, and another worker takes its jobs over.
    """
    session = Session(app, url, as_json=as_json)
    with reported(session.out):
        named = target or app
        if named is None:
            raise InvalidOption("which handlers? Name the App: jobledger worker MODULE:ATTR")
        log_to_stderr()
        loaded = load(named, url)
        asyncio.run(_work(session.out, loaded, slots, threads, grace))


async def _work(out: Output, app: App, slots: int, threads: int | None, grace: float) -> None:
    signals = Signals()
    began = time.monotonic()
    try:
        async with app.worker(slots=slots, threads=threads, grace=grace) as node:
            signals.listen(node)
            _tell_start(out, app, slots, threads)
            await signals.first.wait()
            log.info("stopping: running jobs get %g s, a second signal ends that", grace)
    except WorkerStuck as error:
        _die(error)
    _tell_end(out, node, time.monotonic() - began)


class Signals:
    """The first signal stops the worker, the next one hurries it.

    Attributes:
        first: the worker should stop.
    """

    def __init__(self) -> None:
        """Not listening yet: until then a signal ends the process at once."""
        self.first = asyncio.Event()

    def listen(self, node: Node) -> None:
        """Listen until the loop ends."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._heard, node)

    def _heard(self, node: Node) -> None:
        if self.first.is_set():
            log.warning("second signal: running jobs are stopped now")
            node.hurry()
        self.first.set()


def _tell_start(out: Output, app: App, slots: int, threads: int | None) -> None:
    told = {"store": public(app.url), "types": [*app.handled], "slots": slots, "threads": threads}
    if out.as_json:
        out.data({"event": "started", "pid": os.getpid(), **told})
        return
    size = f"{slots} slots" if threads is None else f"{slots} slots and {threads} threads"
    out.line(f"worker {os.getpid()} on {told['store']}: {', '.join(app.handled)} ({size}); Ctrl-C stops it")
    sys.stdout.flush()


def _tell_end(out: Output, node: Node, elapsed: float) -> None:
    if out.as_json:
        out.data({"event": "stopped", "pid": os.getpid(), "seconds": round(elapsed, 3), "attempts": dict(node.ended)})
        return
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(node.ended.items()))
    out.line(f"worker {os.getpid()} stopped after {elapsed:.1f} s: {counts or 'no attempts'}")


def _die(error: WorkerStuck) -> NoReturn:
    """End at once: threads can't be stopped, and any other way out would wait for them."""
    log.critical("%s", error)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(STUCK)
