"""All commands, in the order of the help."""

from __future__ import annotations

from typing import Annotated

import typer

from jobledger._version import own_version
from jobledger.cli import (
    audit,
    cancel,
    dlq,
    doctor,
    export,
    known_types,
    list_jobs,
    metrics,
    migrate,
    serve,
    status,
    submit,
    top,
)
from jobledger.cli.demo import command as demo
from jobledger.cli.help_page import Command, Group
from jobledger.cli.worker import command as worker

EPILOG = """Each command takes its store from --url or --app, given after the command, or from the environment:

\b
  jobledger worker myproject.jobs:app
  jobledger list --url sqlite:///jobs.db
  export JOBLEDGER_URL=sqlite:///jobs.db

Each has examples in its own help: jobledger list --help"""

cli = typer.Typer(
    name="jobledger",
    help="Durable background jobs with books that balance.",
    epilog=EPILOG,
    no_args_is_help=True,
    cls=Group,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:  # noqa: FBT001 - a callback of typer
    if asked:
        typer.echo(f"jobledger {own_version()}")
        raise typer.Exit


@cli.callback()
def start(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Durable background jobs with books that balance."""


cli.command("worker", cls=Command, epilog=worker.EPILOG)(worker.worker)
cli.command("submit", cls=Command, epilog=submit.EPILOG)(submit.submit)
cli.command("status", cls=Command, epilog=status.EPILOG)(status.status)
cli.command("list", cls=Command, epilog=list_jobs.EPILOG)(list_jobs.list_jobs)
cli.command("cancel", cls=Command, epilog=cancel.EPILOG)(cancel.cancel)
cli.add_typer(dlq.group)
cli.command("metrics", cls=Command, epilog=metrics.EPILOG)(metrics.metrics)
cli.command("top", cls=Command, epilog=top.EPILOG)(top.top)
cli.command("audit", cls=Command, epilog=audit.EPILOG)(audit.audit)
cli.command("doctor", cls=Command, epilog=doctor.EPILOG)(doctor.doctor)
cli.command("serve", cls=Command, epilog=serve.EPILOG)(serve.serve)
cli.add_typer(export.group)
cli.command("types", cls=Command, epilog=known_types.EPILOG)(known_types.types)
cli.command("migrate", cls=Command, epilog=migrate.EPILOG)(migrate.migrate)
cli.command("demo", cls=Command, epilog=demo.EPILOG)(demo.demo)
