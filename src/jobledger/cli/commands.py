"""All commands, in the order of the help."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from jobledger.cli import audit, cancel, dlq, known_types, list_jobs, metrics, migrate, serve, status, submit, worker
from jobledger.cli.demo import command as demo

EPILOG = """Each command takes its store from --url or --app, given after the command, or from the environment:

\b
  jobledger worker myproject.jobs:app
  jobledger list --url sqlite:///jobs.db
  export JOBLEDGER_URL=sqlite:///jobs.db"""

cli = typer.Typer(
    name="jobledger",
    help="Durable background jobs with books that balance.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:  # noqa: FBT001 - a callback of typer
    if asked:
        typer.echo(f"jobledger {_version()}")
        raise typer.Exit


def _version() -> str:
    try:
        return version_of("jobledger")
    except PackageNotFoundError:
        return "(run from its source, not installed)"


@cli.callback()
def start(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Durable background jobs with books that balance."""


cli.command("worker", epilog=worker.EPILOG)(worker.worker)
cli.command("submit", epilog=submit.EPILOG)(submit.submit)
cli.command("status", epilog=status.EPILOG)(status.status)
cli.command("list", epilog=list_jobs.EPILOG)(list_jobs.list_jobs)
cli.command("cancel", epilog=cancel.EPILOG)(cancel.cancel)
cli.add_typer(dlq.group)
cli.command("metrics", epilog=metrics.EPILOG)(metrics.metrics)
cli.command("audit", epilog=audit.EPILOG)(audit.audit)
cli.command("serve", epilog=serve.EPILOG)(serve.serve)
cli.command("types", epilog=known_types.EPILOG)(known_types.types)
cli.command("migrate", epilog=migrate.EPILOG)(migrate.migrate)
cli.command("demo", epilog=demo.EPILOG)(demo.demo)
