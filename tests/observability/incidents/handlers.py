"""The handlers of a shop whose incidents are played; each calls the dependency.

Back-offs and the timeout are divided as the rules are: with 60, a back-off is at most ten seconds instead of ten
minutes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import Final

from jobledger import App
from tests.observability.incidents.dependency import ANSWER

PORT: Final = "INCIDENTS_PORT"
FACTOR: Final = "INCIDENTS_FACTOR"
_ADDRESS: Final = ("127.0.0.1", int(os.environ.get(PORT, "0")))
_FACTOR: Final = int(os.environ.get(FACTOR, "1"))
_REQUEST: Final = "{kind} {process}\n"

app = App()


@app.job("email.send", priority="high", retry_base=1 / _FACTOR, retry_cap=600 / _FACTOR)
async def send() -> None:
    await _ask("email")


@app.job("report.render", retry_base=1 / _FACTOR, retry_cap=600 / _FACTOR)
async def render() -> None:
    await _ask("report")


@app.job("row.import", priority="low", retry_base=1 / _FACTOR, retry_cap=600 / _FACTOR)
async def import_row() -> None:
    await _ask("row")


@app.job("image.resize", timeout=60 / _FACTOR, retry_base=1 / _FACTOR, retry_cap=600 / _FACTOR)
def resize() -> None:
    """In a thread that nothing can stop, with a timeout of a minute."""
    with socket.create_connection(_ADDRESS) as connection, connection.makefile("rb") as answer:
        connection.sendall(_request("image"))
        _check(answer.readline())


@app.job("invoice.post")
async def post(*, fatal: bool = False) -> None:
    """May kill its process, as a bug in native code would."""
    if fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    await _ask("invoice")


async def _ask(kind: str) -> None:
    reader, writer = await asyncio.open_connection(*_ADDRESS)
    try:
        writer.write(_request(kind))
        _check(await reader.readline())
    finally:
        writer.close()


def _request(kind: str) -> bytes:
    return _REQUEST.format(kind=kind, process=os.getpid()).encode()


def _check(answer: bytes) -> None:
    if answer != ANSWER:
        message = "the other side has hung up"
        raise ConnectionError(message)
