"""The demo's schema on PostgreSQL: on a server that the demo brings itself, or on somebody's own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from jobledger import App
from jobledger._store.postgres.migrate import brought, version_of
from jobledger._store.postgres.session import Session
from jobledger._store.postgres.target import Target
from jobledger._store.statements import statements
from jobledger.cli.demo.database import inputs_of, make_inputs, seen_of
from jobledger.cli.demo.handlers import TYPES
from jobledger.cli.demo.stage import Stage
from jobledger.errors import NotAStore, StoreBusy
from jobledger.testing import postgres

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

SCHEMA: Final = "jobledger_demo"


@asynccontextmanager
async def on_own_server(db: Path) -> AsyncGenerator[Stage]:
    """A server that ends with the demo.

    Raises:
        StoreError: there is no PostgreSQL here that could be started.
    """
    server = await asyncio.to_thread(postgres.start)
    try:
        url = server.url(await asyncio.to_thread(server.create_database))
        await asyncio.to_thread(brought, Target.of(url), None)
        make_inputs(db)
        name = f"PostgreSQL {server.installation.name}, {Target.of(url).name}"
        yield Stage(url, name, inputs_of(db), seen_of(db), stays=False)
    finally:
        await asyncio.to_thread(server.close)


async def on_server(url: str, db: Path) -> Stage:
    """A new schema on a server that is there; an older one of the demo is replaced, never anybody else's.

    Args:
        url: the database; without ``?schema=`` the schema is called jobledger_demo.
        db: beside this file, which is not made, lie the demo's inputs.

    Raises:
        StoreError: the server can't be used, or there is something else.
        StoreBusy: a worker still works on it.
    """
    if not any(name == "schema" for name, _ in parse_qsl(urlsplit(url).query)):
        url = f"{url}{'&' if '?' in url else '?'}schema={SCHEMA}"
    target = Target.of(url)
    if await asyncio.to_thread(version_of, target) is not None:
        await _check_ours(url, target.name)
        await asyncio.to_thread(_make_way, target)
    await asyncio.to_thread(brought, target, None)
    make_inputs(db)
    return Stage(url, target.name, inputs_of(db), seen_of(db))


async def _check_ours(url: str, name: str) -> None:
    async with App(url, read_only=True) as app:
        types = frozenset((await app.metrics.snapshot()).types)
    if not types or not types <= TYPES:
        foreign = ", ".join(sorted(types - TYPES)) or "none at all"
        message = f"{name} has jobs that are not the demo's ({foreign}), so it stays: name another ?schema="
        raise NotAStore(message)


def _make_way(target: Target) -> None:
    sql = {
        name: text.replace("{schema}", target.schema) for name, text in statements(__package__, "server.sql").items()
    }
    session = Session(target, "demo")
    try:
        if session.run(lambda session: session.value(sql["workers"])):
            message = f"a worker still works on {target.name}: stop it first, or name another ?schema="
            raise StoreBusy(message)
        session.run(lambda session: session.fetch(sql["drop"]))
    finally:
        session.close()
