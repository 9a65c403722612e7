"""``/metrics`` and ``/healthz``."""

from __future__ import annotations

import asyncio
import gzip
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from jobledger._metrics.accept import wants_gzip
from jobledger.errors import JobledgerError

if TYPE_CHECKING:
    from starlette.requests import Request

    from jobledger.app import App

_UNAVAILABLE = 503
_FASTEST = 1
_FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def routes(app: App) -> list[Route]:
    """What a scraper and a health check ask for."""

    async def metrics(request: Request) -> Response:
        """All metrics, in the format that the scraper asks for."""
        try:
            body, content_type = await app.metrics.render(", ".join(request.headers.getlist("accept")) or None)
        except JobledgerError as error:
            return PlainTextResponse(f"{error}\n", _UNAVAILABLE, _FRESH)
        headers = _FRESH | {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if wants_gzip(request.headers.get("accept-encoding")):
            # Megabytes become a twentieth; zlib lets the event loop go on meanwhile.
            body = await asyncio.to_thread(gzip.compress, body, _FASTEST, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers)

    async def health(_: Request) -> Response:
        """Whether the store can be read, and its time."""
        try:
            snapshot = await app.metrics.snapshot()
        except JobledgerError as error:
            told = {"store": "unreadable", "error": type(error).__name__, "message": str(error), "as_of": None}
            return JSONResponse(told, _UNAVAILABLE, _FRESH)
        as_of = datetime.fromtimestamp(snapshot.as_of, UTC).isoformat(timespec="milliseconds")
        return JSONResponse({"store": "readable", "as_of": as_of}, headers=_FRESH)

    return [Route("/metrics", metrics), Route("/healthz", health)]
