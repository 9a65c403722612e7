"""``jobledger export grafana``: the dashboard that Grafana loads."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Annotated, Any, Final

import msgspec
import typer

from jobledger._metrics.alerts import RUNBOOKS
from jobledger.cli.options import JsonOption
from jobledger.cli.output import Output
from jobledger.cli.session import reported
from jobledger.errors import InvalidOption

EPILOG = """\b
Examples:
  jobledger export grafana > jobledger.json
  jobledger export grafana --runbooks https://wiki/runbooks > jobledger.json"""
FILE: Final = "grafana.json"
"""Rendered by ``make docs``, beside this module."""
_URL: Final = re.compile(r"https?://[!-~]+")


def grafana(
    *,
    runbooks: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the runbooks are, to be linked from the panels.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print a dashboard for Grafana 11 or later.

    Import it in Grafana (Dashboards, New, Import), or put it into a folder of a provisioned provider. Data source,
    stores, types and the objective for waits are chosen in the dashboard itself. It needs no store.
    """
    out = Output(as_json=as_json)
    with reported(out):
        board = dashboard(runbooks)
        if as_json:
            out.data(board)
        else:
            out.exact(msgspec.json.format(msgspec.json.encode(board), indent=2).decode() + "\n")


def dashboard(runbooks: str | None = None) -> dict[str, Any]:
    """The dashboard as Grafana's JSON.

    Args:
        runbooks: the URL before the names of the pages; without one no panel links to a page.

    Raises:
        InvalidOption: it is no URL of the web.
    """
    if runbooks is not None and not _URL.fullmatch(runbooks):
        raise InvalidOption(f"--runbooks must be a URL such as https://wiki/runbooks, not {runbooks!r}")
    text = files("jobledger.cli.export").joinpath(FILE).read_text(encoding="utf-8")
    board: dict[str, Any] = msgspec.json.decode(text)
    for panel in board["panels"]:
        links = panel.pop("links", [])
        if runbooks is not None and links:
            panel["links"] = [_linked(link, runbooks.rstrip("/")) for link in links]
    return board


def _linked(link: dict[str, Any], runbooks: str) -> dict[str, Any]:
    return link | {"url": runbooks + link["url"].removeprefix(RUNBOOKS)}
