"""``jobledger migrate``: bring a store to this version's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.schema import bring
from jobledger.cli.session import Session, reported
from jobledger.cli.source import load, public

if TYPE_CHECKING:
    from jobledger.cli.output import Output
    from jobledger.cli.schema import Moved

EPILOG = """\b
Examples:
  jobledger migrate --url postgresql://jobs@db.example/shop
  jobledger migrate --app myproject.jobs:app --pre
  jobledger migrate --url sqlite:///jobs.db"""


def migrate(
    *,
    pre: Annotated[
        bool, typer.Option("--pre", help="Only the steps beside which the version before goes on working.")
    ] = False,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create the store, or bring it to this version's schema.

    On PostgreSQL nothing else does it. Numbered steps run in one transaction, under a lock: all or none of them, once.
    To replace the version before without a pause: --pre, then new workers for old ones, then the rest.

    An SQLite file is also migrated by the first worker or submit that opens it; this does it apart from them.
    """
    session = Session(app, url, as_json=as_json)
    with reported(session.out):
        store = session.url
        moved = bring(store, None if app is None else load(app).boundaries, beside=pre)
    _tell(session.out, public(store), moved)


def _tell(out: Output, store: str, moved: Moved) -> None:
    if out.as_json:
        told = {"from": moved.before, "to": moved.after, "steps": moved.steps, "left": moved.left}
        out.data({"store": store} | told)
        return
    if moved.before is None:
        out.line(f"{store}: created with schema {moved.after}")
    elif moved.before == moved.after:
        out.line(f"{store}: schema {moved.after} already, nothing to do")
    else:
        out.line(f"{store}: migrated from schema {moved.before} to {moved.after}")
    for step in moved.steps:
        out.line(f"  {step}")
    if moved.left:
        out.note(f"left for when no older version runs: {', '.join(moved.left)} (jobledger migrate, without --pre)")
