"""The web face: an ASGI app that runs by itself or mounts in another one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from jobledger.web.endpoints import routes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from jobledger.app import App

__all__ = ["create_asgi"]


def create_asgi(app: App) -> Starlette:
    """An ASGI app with ``/metrics`` and ``/healthz``.

    Run by itself, it opens the App for as long as it runs. Mounted in another app, whose start doesn't reach it, the
    other one opens the App: ``async with app:``.

    Args:
        app: whose store is served.

    Example:
        >>> asgi = create_asgi(App("sqlite:///jobs.db", read_only=True))  # doctest: +SKIP
        >>> uvicorn.run(asgi, port=9464)  # doctest: +SKIP
    """

    @asynccontextmanager
    async def opened(_: Starlette) -> AsyncGenerator[None]:
        async with app:
            yield

    return Starlette(routes=routes(app), lifespan=opened)
