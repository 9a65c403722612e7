"""``jobledger status``: all that is known of a job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from jobledger._config import POLL_SECONDS
from jobledger.cli.options import AppOption, JobArgument, JsonOption, UrlOption
from jobledger.cli.session import Session
from jobledger.cli.views import event_line, progress_text, show_errors, show_report

if TYPE_CHECKING:
    from jobledger._core.report import JobReport
    from jobledger.app import App
    from jobledger.cli.output import Output

EPILOG = """\b
Examples:
  jobledger status 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11
  jobledger status 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11 --watch
  jobledger status 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11 --json | jq .result"""


def status(
    job_id: JobArgument,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it ends.")] = False,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a job: its state, payload, result, attempts and history.

    With --watch each transition and each progress is a line until the job has ended; then comes the report.
    """
    session = Session(app, url, as_json=as_json)

    async def work(app: App) -> None:
        report = await (_watched(app, job_id, session.out) if watch else app.jobs.status(job_id))
        if as_json:
            session.out.data(report)
            return
        show_report(session.out, report)
        show_errors(session.out, report, every=False)

    session.read(work)


async def _watched(app: App, job_id: str, out: Output) -> JobReport:
    """Follow a job to its end. What it says goes to stderr, so that --json stays one document."""
    seen = 0
    progress = None
    while True:
        report = await app.jobs.status(job_id)
        for entry in report.history[seen:]:
            out.note(event_line(entry))
        seen = len(report.history)
        if report.progress is not None and report.progress != progress:
            progress = report.progress
            out.note(progress_text(progress))
        if report.ended:
            return report
        await asyncio.sleep(POLL_SECONDS)
