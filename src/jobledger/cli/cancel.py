"""``jobledger cancel``: a durable request, and its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, assert_never

import typer

from jobledger._core.report import AlreadyEnded, CancelAnswer, Cancelled, Requested
from jobledger.cli.each import Answers, tell_each
from jobledger.cli.options import AppOption, JobsArgument, JsonOption, UrlOption
from jobledger.cli.session import Session

if TYPE_CHECKING:
    from jobledger.app import App

EPILOG = """\b
Examples:
  jobledger cancel 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11
  jobledger cancel 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11 --wait 30
  jobledger list --batch june --json | jq -r '.jobs[].id' |
    xargs jobledger cancel"""


def cancel(
    job_ids: JobsArgument,
    *,
    wait: Annotated[float | None, typer.Option(metavar="SECONDS", help="Wait so long for running ones to end.")] = None,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel jobs.

    A queued job is cancelled at once, without any worker. A running one is asked to stop; it may still complete
    first. That a job had ended already is an answer, not an error.
    """
    session = Session(app, url, as_json=as_json)

    async def work(app: App) -> int:
        async def one(job_id: str) -> tuple[str, dict[str, Any]]:
            return _told(await app.jobs.cancel(job_id, wait=wait))

        answers = Answers(one)
        await answers.ask(job_ids)
        return tell_each(session.out, answers)

    session.change(work)


def _told(answer: CancelAnswer) -> tuple[str, dict[str, Any]]:
    match answer:
        case Cancelled():
            return "cancelled", {"answer": "cancelled"}
        case Requested():
            return "asked to stop", {"answer": "requested"}
        case AlreadyEnded(status=status):
            return f"already ended: {status}", {"answer": "already_ended", "status": status}
        case _:
            assert_never(answer)
