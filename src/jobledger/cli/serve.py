"""``jobledger serve``: the metrics over HTTP."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.session import Session, reported
from jobledger.cli.source import public
from jobledger.errors import InvalidOption, JobledgerError

if TYPE_CHECKING:
    from jobledger.cli.output import Output

EPILOG = """\b
Examples:
  jobledger serve --url sqlite:///jobs.db
  curl http://127.0.0.1:9464/metrics
  jobledger serve --host 0.0.0.0 --port 9464"""
_MISSING = "serving is an extra: pip install 'jobledger[web]'"
_LAST_PORT = 65_535


class CannotServe(JobledgerError):
    """The server could not be started."""


def serve(
    *,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="The port; 0 takes a free one.")] = 9464,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve /metrics to Prometheus and /healthz to whoever watches.

    The metrics are those of the whole store, so scrape one process, whichever. It only reads. There is no login:
    leave it on 127.0.0.1, or put it behind something that has one.
    """
    session = Session(app, url, as_json=as_json)
    out = session.out
    with reported(out):
        _check(port)
        try:
            from jobledger.cli.server import run
            from jobledger.web import create_asgi
        except ModuleNotFoundError as error:
            raise CannotServe(_MISSING) from error
        asgi = create_asgi(session.reader())
        with _listening(host, port) as listener:
            if not _is_loopback(host):
                out.warn(f"{host} can be reached from other machines, and there is no login")
            run(asgi, listener, lambda: _tell(out, listener, public(session.url)))


def _check(port: int) -> None:
    if not 0 <= port <= _LAST_PORT:
        raise InvalidOption(f"port must be 0 to {_LAST_PORT:,}, not {port}")


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise CannotServe(
            f"cannot listen on {host}, port {port}: {error.strerror}: choose another --host or --port"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tell(out: Output, listener: socket.socket, store: str) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}"
    if out.as_json:
        out.data({"event": "started", "address": address, "store": store})
    else:
        out.line(f"serving {store} on {address}/metrics and {address}/healthz; Ctrl-C stops it")
