"""``jobledger doctor``: what is wrong with a store and around it, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jobledger._store.open import is_postgres
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.session import Session, reported
from jobledger.cli.source import public

if TYPE_CHECKING:
    from jobledger.cli.doctor.finding import Finding

EPILOG = """\b
Examples:
  jobledger doctor
  jobledger doctor --url sqlite:////var/lib/shop/jobs.db --deep
  jobledger doctor --json | jq '.checks[] | select(.result != "ok")'"""


def doctor(
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Also read all of the file, and audit the books.")] = False,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """See what is wrong with a store and around it, and what to do.

    It looks at the file and its directory, at locks, processes, limits, clocks and versions; on PostgreSQL at the
    server, its settings, the role's rights, connections, vacuum and what keeps it back. It changes nothing, and works
    on a store that is broken, missing, locked or of another version. The exit code is 1 if something is broken; a
    warning alone leaves it 0.
    """
    session = Session(app, url, as_json=as_json)
    with reported(session.out):
        from jobledger.cli.doctor.report import told

        code = told(session.out, public(session.url), _findings(session, deep=deep))
    if code:
        raise typer.Exit(code)


def _findings(session: Session, *, deep: bool) -> list[tuple[str, Finding]]:
    if is_postgres(session.url):
        from jobledger.cli.doctor.postgres import checks as of_postgres
        from jobledger.cli.doctor.postgres.patient import Patient as Database

        with Database(session.url, session.source) as database:
            return [*of_postgres.examined(database, deep=deep)]
    from jobledger.cli.doctor.checks import examined
    from jobledger.cli.doctor.patient import Patient

    return [*examined(Patient(session.url, session.source), deep=deep)]
