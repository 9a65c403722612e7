"""The page in place, again and again, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, NoReturn

from rich.console import Group

from jobledger.cli.top.feed import Asking
from jobledger.cli.top.page import Size, page
from jobledger.errors import JobledgerError

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from jobledger.cli.output import Output
    from jobledger.cli.top.feed import Feed, Seen

_PATIENCE: Final = 2.0
"""Seconds without an answer after which the screen says so, and again after each."""
_OLD: Final = "NOT UP TO DATE"
_PICTURED: Final = (90, 32)
"""From which size of the screen on there is room for the last hour."""


def show(out: Output, seen: Seen, store: str) -> None:
    """One page as plain lines: as wide as the terminal, or as wide as it takes, and with every row."""
    out.drawn(page(seen.overview, store, Size(out.size[0] if out.terminal else None, None)))


def watch(out: Output, feed: Feed, seen: Seen, store: str, seconds: float) -> NoReturn:
    """Look until Ctrl-C; the last page stays when the screen is left, also by a signal that ends the process."""
    signal.signal(signal.SIGTERM, _leave)
    resized = threading.Event()

    def redraw(_: int, __: object) -> None:
        resized.set()

    if hasattr(signal, "SIGWINCH"):
        signal.signal(signal.SIGWINCH, redraw)
    view = _View(out, store, seen)
    try:
        with out.screen() as screen:
            while True:
                view.draw(screen)
                _pause(view, screen, resized, seconds)
                view.look(screen, feed, seconds)
    finally:
        out.drawn(view.lines)


class _View:
    """What is on the screen."""

    def __init__(self, out: Output, store: str, seen: Seen) -> None:
        self._out = out
        self._store = store
        self._seen = seen
        self._notice = ""
        self.lines: list[Text] = []

    def draw(self, screen: Live) -> None:
        seen, picture = self._seen
        self.lines = page(seen, self._store, Size(*self._out.size), self._notice, picture)
        screen.update(Group(*self.lines), refresh=True)

    def look(self, screen: Live, feed: Feed, seconds: float) -> None:
        """Look anew, and say so while there is no answer."""
        columns, lines = self._out.size
        asking, began = Asking(feed, pictured=columns >= _PICTURED[0] and lines >= _PICTURED[1]), time.monotonic()
        while not asking.wait(_PATIENCE):
            self._notice = f"{_OLD}: no answer of the store for {time.monotonic() - began:.0f} s"
            self.draw(screen)
        try:
            self._seen, self._notice = asking.answer(), ""
        except JobledgerError as error:
            self._notice = f"{_OLD}, tried again every {seconds:g} s: {error}"


def _pause(view: _View, screen: Live, resized: threading.Event, seconds: float) -> None:
    """Wait, and draw anew whenever the window has another size."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if resized.wait(left):
            resized.clear()
            view.draw(screen)


def _leave(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)
