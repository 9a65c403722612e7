"""``jobledger metrics --watch``: the eleven again and again, with what happened in between."""

from __future__ import annotations

import asyncio
import math
import signal
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NoReturn

from rich.console import Group
from rich.text import Text

from jobledger._clock import SystemClock
from jobledger._escape import shown
from jobledger._store.open import open_store
from jobledger._store.sqlite.store import SqliteStore
from jobledger.cli.metrics.rates import Rates
from jobledger.cli.metrics.tables import eleven, snapshot_data
from jobledger.cli.moments import clock
from jobledger.cli.source import public
from jobledger.errors import InvalidOption, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from jobledger._metrics.snapshot import Snapshot
    from jobledger.app import App
    from jobledger.cli.output import Output
    from jobledger.cli.tables import Sheet

DEFAULT_SECONDS: Final = 2.0
_LEAST: Final = 0.1
_MOST: Final = 86_400.0
_AROUND: Final = 4
"""Lines of the screen that are not rows: two above the table, its head, one below."""


def check_seconds(seconds: float, what: str = "SECONDS") -> float:
    """The time between two looks; ``what`` sets it.

    Raises:
        InvalidOption: it is none.
    """
    if not _LEAST <= seconds <= _MOST or math.isnan(seconds):
        raise InvalidOption(f"{what} must be from {_LEAST:g} to {_MOST:,.0f}, not {seconds:g}")
    return seconds


class Watched:
    """The file that is being watched: one that was removed or replaced would be read for ever.

    Args:
        url: the store.
    """

    def __init__(self, url: str) -> None:
        """Look which file it is."""
        store = open_store(url, SystemClock().now)
        self._path = store.path if isinstance(store, SqliteStore) else None
        self._file = self._identity()

    def check(self) -> None:
        """See whether it is still that file.

        Raises:
            StoreError: it is not.
        """
        now = self._identity()
        if now != self._file:
            what = "removed" if now is None else "replaced by another file"
            raise StoreError(f"{self._path} was {what} while it was watched: start again, on a store that is there")

    def _identity(self) -> tuple[int, int] | None:
        path: Path | None = self._path
        if path is None or not path.exists():
            return None
        found = path.stat()
        return found.st_dev, found.st_ino


async def watch(app: App, out: Output, watched: Watched, seconds: float) -> None:
    """Look until Ctrl-C."""
    if out.terminal and not out.as_json:
        await _on_screen(app, out, watched, seconds)
        return
    rates = Rates()
    while True:
        snapshot = await _look(app, watched, rates)
        if out.as_json:
            out.json_line(snapshot_data(snapshot) | {"per_second": rates.data(snapshot)})
        else:
            out.exact(f"{_as_of(snapshot)}\n{eleven(snapshot, snapshot.types, rates).aligned()}\n")
        await asyncio.sleep(seconds)


async def _on_screen(app: App, out: Output, watched: Watched, seconds: float) -> None:
    """In place; the last look stays when the screen is left, also by a signal that ends the process."""
    signal.signal(signal.SIGTERM, _leave)
    rates = Rates()
    last: Sheet | None = None
    pace = f"every {seconds:g} s, Ctrl-C ends it"
    try:
        with out.screen() as screen:
            while True:
                snapshot = await _look(app, watched, rates)
                last, below = _fitting(snapshot, rates, out.size[1] - _AROUND)
                screen.update(_page(out, [public(app.url), f"{_as_of(snapshot)}  {pace}"], last, below), refresh=True)
                await asyncio.sleep(seconds)
    finally:
        if last is not None:
            out.sheet(last)


async def _look(app: App, watched: Watched, rates: Rates) -> Snapshot:
    watched.check()
    snapshot = await app.metrics.snapshot()
    rates.see(snapshot, asyncio.get_running_loop().time())
    return snapshot


def _fitting(snapshot: Snapshot, rates: Rates, lines: int) -> tuple[Sheet, str]:
    """A row for each type only if there is room for all of them."""
    sheet = eleven(snapshot, snapshot.types, rates)
    if len(sheet) <= lines:
        return sheet, ""
    more = f"{len(snapshot.types)} types: a higher window shows each, or jobledger metrics --table"
    return eleven(snapshot, (), rates), more


def _page(out: Output, above: list[str], sheet: Sheet, below: str) -> RenderableType:
    fitted = sheet.fitted(out.size[0])
    table = Text("a wider window shows the metrics") if fitted is None else fitted.drawn()
    lines = (Text(shown(line), "dim", no_wrap=True, overflow="ellipsis") for line in (*above, below))
    *first, last = lines
    return Group(*first, table, last)


def _leave(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


def _as_of(snapshot: Snapshot) -> str:
    return f"as of {clock(datetime.fromtimestamp(snapshot.as_of, UTC))}"
