"""One page: the parts of the screen, each with as many rows as there is room for."""

from __future__ import annotations

from datetime import UTC, datetime
from textwrap import wrap
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text

from jobledger._escape import shown
from jobledger.cli.top import short
from jobledger.cli.top.blocks import BAD, WARY
from jobledger.cli.top.grid import cut
from jobledger.cli.top.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobledger._metrics.overview.figures import Overview, Picture
    from jobledger.cli.top.parts import Part

_NOTICE: Final = 3
"""Lines that a remark takes at most."""


class Size(NamedTuple):
    """The screen; None: no bound."""

    columns: int | None
    lines: int | None


def page(
    seen: Overview, store: str, size: Size, notice: str = "", picture: Picture | None = None
) -> list[Text]:  # fmt: skip
    """All lines, none of them longer than the screen, and no more than it has.

    Args:
        seen: what there is to show.
        store: its name, without a password.
        size: of the screen.
        notice: a remark above the tables, such as an error.
        picture: the last hour; None where there is no room for it.
    """
    lines = [*_head(seen, store, size.columns), *noticed(notice, size.columns)]
    parts = parts_of(seen, picture, size.columns)
    room = None if size.lines is None else size.lines - len(lines)
    drawn = [part.draw(rows) for part, rows in zip(parts, shared(parts, room), strict=True)]
    spaced = room is None or sum(map(len, drawn)) + len(drawn) <= room
    for block in drawn:
        lines += [Text(), *block] if spaced else block
    return lines[: size.lines]


def noticed(notice: str, columns: int | None) -> list[Text]:
    """A remark, folded between its words."""
    text = shown(notice)
    if columns is None:
        return [Text(text, BAD, no_wrap=True)] if text else []
    folded = wrap(text, columns, max_lines=_NOTICE, placeholder=" …")
    return [Text(cut(line, columns), BAD, no_wrap=True) for line in folded]


def shared(parts: Sequence[Part], room: int | None) -> list[int]:
    """How many rows each part gets: first the least that it needs, then one after the other while there is room."""
    if room is None:
        return [part.rows for part in parts]
    rows = [0] * len(parts)
    left = room - sum(part.each for part in parts)
    for wanted in ([min(part.least, part.rows) for part in parts], [part.rows for part in parts]):
        growing = True
        while growing:
            growing = False
            for at, part in enumerate(parts):
                if rows[at] < wanted[at] and part.each <= left:
                    rows[at], left, growing = rows[at] + 1, left - part.each, True
    return rows


def _head(seen: Overview, store: str, columns: int | None) -> list[Text]:
    at = datetime.fromtimestamp(seen.as_of, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    name = shown(store) if columns is None else cut(shown(store), columns - len(at) - 2, tail=True)
    first = Text.assemble((name, "bold"), "  ", at)
    second = _books(seen)
    for more in (_workers(seen), *_entities(seen)):
        if columns is None or second.cell_len + 2 + more.cell_len <= columns:
            second = Text("  ").join([second, more])
    for line in (first, second):
        line.no_wrap = True
        if columns is not None:
            line.truncate(columns, overflow="ellipsis")
    return [first, second]


def _books(seen: Overview) -> Text:
    books = seen.books
    if books.findings is None:
        return Text("books not audited yet", WARY)
    ago = "" if books.audited is None else f", audited {short.time(books.audited)} ago"
    if books.findings:
        return Text(f"books OUT OF BALANCE: {books.findings} findings{ago}", BAD)
    return Text(f"books balance{ago}", "green")


def _workers(seen: Overview) -> Text:
    if not seen.live_workers:
        return Text("NO LIVE WORKER", BAD)
    plural = "" if seen.live_workers == 1 else "s"
    return Text(f"{seen.live_workers} live worker{plural}, {seen.busy}/{seen.slots} slots busy")


def _entities(seen: Overview) -> list[Text]:
    active = seen.entities.active
    return [] if not active else [Text(f"{short.count(active)} {'entity' if active == 1 else 'entities'} active")]
