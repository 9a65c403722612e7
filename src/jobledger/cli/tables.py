"""Tables: for a terminal of any width, and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from jobledger._escape import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_GAP: Final = 2
_FOLDED: Final = 24
"""A column that may fold is not made narrower than this."""


class Styled(NamedTuple):
    """A text with a look; the look is dropped where nobody can see it."""

    text: str
    style: str


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        title: its head.
        right: its cells are numbers and stand at the right.
        folds: its cells are prose and may take several lines.
        spare: on a terminal that is too narrow it is left out, the highest first; 0 stays.
    """

    title: str
    right: bool = False
    folds: bool = False
    spare: int = 0


Cell: TypeAlias = str | Styled


def safe(cell: Cell) -> Styled:
    """A cell without anything that a terminal would obey."""
    return Styled(shown(cell), "") if isinstance(cell, str) else Styled(shown(cell.text), cell.style)


class Sheet:
    """A table before it is laid out.

    Args:
        columns: titles, or columns with a look.
        rows: their cells.
    """

    def __init__(self, columns: Sequence[Column | str], rows: Iterable[Sequence[Cell]]) -> None:
        """Make every cell safe and measure it."""
        self._heads = [column if isinstance(column, Column) else Column(column) for column in columns]
        self._rows = [[safe(cell) for cell in row] for row in rows]
        self._widths = [
            max([cell_len(head.title), *(cell_len(row[at].text) for row in self._rows)])
            for at, head in enumerate(self._heads)
        ]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def fitted(self, width: int) -> Sheet | None:
        """As much as can be drawn so wide without breaking names and ids; None if not even that.

        What has no cell at all is left out, and then the spare columns, one by one.
        """
        kept = [at for at in range(len(self._heads)) if any(row[at].text for row in self._rows)]
        while self._needed(kept) > width:
            spare = max(kept, key=lambda at: self._heads[at].spare, default=None)
            if spare is None or not self._heads[spare].spare:
                return None
            kept.remove(spare)
        return Sheet([self._heads[at] for at in kept], [[row[at] for at in kept] for row in self._rows])

    def drawn(self) -> Table:
        """As a person reads it."""
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
        for head in self._heads:
            table.add_column(
                head.title, justify="right" if head.right else "left", overflow="fold", no_wrap=not head.folds
            )
        for row in self._rows:
            table.add_row(*(Text(cell.text, cell.style) for cell in row))
        return table

    def records(self) -> Iterator[list[tuple[str, Styled | None]]]:
        """Each row as names and values, for a terminal that is too narrow."""
        for row in self._rows:
            yield [(head.title, cell if cell.text else None) for head, cell in zip(self._heads, row, strict=True)]

    def aligned(self) -> str:
        """As a program cuts it: a head, columns two spaces apart, ``-`` for nothing, no line folded."""
        texts = [
            [head.title.upper() for head in self._heads],
            *([cell.text or "-" for cell in row] for row in self._rows),
        ]
        return "".join(f"{self._line(row)}\n" for row in texts)

    def _needed(self, columns: list[int]) -> int:
        widths = [min(self._widths[at], _FOLDED) if self._heads[at].folds else self._widths[at] for at in columns]
        return sum(widths) + _GAP * (len(columns) - 1)

    def _line(self, texts: list[str]) -> str:
        padded = [
            _pad(text, width, right=head.right)
            for text, width, head in zip(texts, self._widths, self._heads, strict=True)
        ]
        return "  ".join(padded).rstrip()


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
