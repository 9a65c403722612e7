"""``jobledger worker``: run jobs until a signal, in this process or in several."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from jobledger._config import DEFAULT_GRACE_SECONDS, DEFAULT_LEASE_SECONDS, DEFAULT_SLOTS
from jobledger._runtime.loop import run
from jobledger.cli.logs import log_to_stderr
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.output import Output, described
from jobledger.cli.session import exit_code_of, reported
from jobledger.cli.source import load
from jobledger.cli.worker.lifeline import Lifeline, stand_apart
from jobledger.cli.worker.limits import Limits
from jobledger.cli.worker.line import Refused
from jobledger.cli.worker.patience import Patience
from jobledger.cli.worker.supervise import supervise
from jobledger.cli.worker.voice import Aloud, ToSupervisor
from jobledger.cli.worker.work import work
from jobledger.errors import InvalidOption, JobledgerError

if TYPE_CHECKING:
    from collections.abc import Generator

EPILOG = """\b
Examples:
  jobledger worker myproject.jobs:app
  jobledger worker jobs:app --slots 20 --grace 60 --url sqlite:///jobs.db
  jobledger worker jobs:app --processes 4"""


def worker(
    target: Annotated[
        str | None, typer.Argument(metavar="MODULE:ATTR", help="The App with the handlers.", show_default=False)
    ] = None,
    *,
    processes: Annotated[int, typer.Option(metavar="N", help="Worker processes, kept alive by a supervisor.")] = 1,
    slots: Annotated[
        int, typer.Option(metavar="N", help="async def handlers at once, in each process.")
    ] = DEFAULT_SLOTS,
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="def handlers at once, in each process; else twice the cores.")
    ] = None,
    grace: Annotated[
        float, typer.Option(metavar="SECONDS", help="What running jobs get to end after a signal.")
    ] = DEFAULT_GRACE_SECONDS,
    lease: Annotated[
        float, typer.Option(metavar="SECONDS", help="Silence after which other workers take its jobs over.")
    ] = DEFAULT_LEASE_SECONDS,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
    supervised: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run jobs until SIGTERM or Ctrl-C.

    Then nothing more is claimed; running jobs get the grace time to end, and are stopped and put back at its end,
    which costs them no attempt. A second signal ends the grace time. Code that will not stop leaves the exit code
    70, and another worker takes its jobs over.

    With several processes, a supervisor restarts a worker that ends, later each time. SIGHUP to the supervisor
    replaces the workers one by one: a successor is ready before a worker stops.
    """
    out = Output(as_json=as_json)
    limits = Limits(slots, threads, grace, lease)
    if supervised is not None:
        _obey(out, target, url, limits, supervised)
        return
    with reported(out):
        named = target or app
        if named is None:
            raise InvalidOption("which handlers? Name the App: jobledger worker MODULE:ATTR")
        log_to_stderr()
        if processes == 1:
            run(work(load(named, url), limits, Aloud(out)))
            return
        code = supervise(out, named, url, processes, limits)
    raise typer.Exit(code)


def _obey(out: Output, target: str | None, url: str | None, limits: Limits, supervised: int) -> None:
    """Be the child of a supervisor."""
    with reported(out):
        lifeline = Lifeline(supervised, Patience(limits.grace).stop)
    stand_apart()
    log_to_stderr(pid=True)
    with _told(lifeline):
        run(work(load(target or "", url), limits, ToSupervisor(lifeline), lifeline))


@contextmanager
def _told(lifeline: Lifeline) -> Generator[None]:
    """The supervisor says why its child can't start, once for all of them."""
    try:
        yield
    except JobledgerError as error:
        lifeline.say(Refused(described(error)))
        raise typer.Exit(exit_code_of(error)) from error
