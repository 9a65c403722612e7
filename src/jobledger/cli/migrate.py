"""``jobledger migrate``: bring a store to this version's schema."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jobledger.app import App
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.schema import schema_of
from jobledger.cli.session import Session, reported
from jobledger.cli.source import public

if TYPE_CHECKING:
    from jobledger.cli.output import Output

EPILOG = """\b
Examples:
  jobledger migrate --url sqlite:///jobs.db
  jobledger migrate --app myproject.jobs:app"""


def migrate(*, app: AppOption = None, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Create the store, or bring it to this version's schema.

    An SQLite file is also migrated by the first worker or submit that opens it; this does it apart from them.
    """
    session = Session(app, url, as_json=as_json)
    with reported(session.out):
        store = session.url
        before = schema_of(store)
        asyncio.run(_open(store))
        after = schema_of(store)
    _tell(session.out, public(store), before, after)


async def _open(url: str) -> None:
    async with App(url):
        pass


def _tell(out: Output, store: str, before: int | None, after: int | None) -> None:
    if out.as_json:
        out.data({"store": store, "from": before, "to": after})
    elif before is None:
        out.line(f"{store}: created with schema {after}")
    elif before == after:
        out.line(f"{store}: schema {after} already, nothing to do")
    else:
        out.line(f"{store}: migrated from schema {before} to {after}")
