"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

_STORE = "Store"

AppOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--app", metavar="MODULE:ATTR", help="An App to take the store from, e.g. jobs:app.", rich_help_panel=_STORE
    ),
]
UrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="The store, e.g. sqlite:///jobs.db; else JOBLEDGER_URL.", rich_help_panel=_STORE
    ),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
YesOption: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]

JobArgument: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The job's id.", show_default=False)]
JobsArgument: TypeAlias = Annotated[list[str], typer.Argument(metavar="ID", help="The jobs' ids.", show_default=False)]
