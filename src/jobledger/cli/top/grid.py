"""Tables whose lines are never longer than the screen: what is too long is cut, and shows that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from jobledger.cli.tables import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobledger.cli.tables import Cell, Styled

_MARK: Final = "…"
_TITLE: Final = "bold"


class Head(NamedTuple):
    """A column.

    Attributes:
        title: its head.
        right: its cells are numbers, and stand at the right.
        least: its cells may be cut to so many places; 0: they are whole.
        tail: what is cut is cut in front.
    """

    title: str
    right: bool = False
    least: int = 0
    tail: bool = False


class Grid:
    """A table: a head, and rows of which as many are drawn as there is room for.

    Args:
        heads: the columns.
        rows: their cells; every text is made safe.
        first: the first column is at least so wide, to stand in line with that of another table.
    """

    def __init__(self, heads: Sequence[Head], rows: Sequence[Sequence[Cell]], first: int = 0) -> None:
        """Measure it."""
        self._heads = heads
        self._rows = [[safe(cell) for cell in row] for row in rows]
        self._widths = [
            max([cell_len(head.title), *(cell_len(row[at].text) for row in self._rows)])
            for at, head in enumerate(heads)
        ]
        self._widths[0] = max(self._widths[0], first)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def width(self) -> int:
        """How wide it is when nothing is cut."""
        return sum(self._widths) + len(self._widths) - 1

    def fitted(self, width: int | None) -> list[int]:
        """How wide each column is drawn; the widest ones of those that may be cut give way."""
        widths = [*self._widths]
        over = 0 if width is None else self.width - width
        while over > 0:
            spare = [at for at, head in enumerate(self._heads) if head.least and widths[at] > head.least]
            if not spare:
                break
            widths[max(spare, key=lambda at: widths[at])] -= 1
            over -= 1
        return widths

    def lines(self, width: int | None, rows: int | None = None) -> list[Text]:
        """The head and the first rows, each on one line.

        Args:
            width: the longest line; None for no bound.
            rows: the most rows; None for all.
        """
        widths = self.fitted(width)
        heads = [self._placed(head.title, at, widths[at]) for at, head in enumerate(self._heads)]
        drawn = [Text(" ".join(heads).rstrip(), _TITLE)]
        drawn += [self._line(row, widths) for row in self._rows[:rows]]
        for line in drawn:
            line.no_wrap = True
            if width is not None:
                line.truncate(width, overflow="ellipsis")
        return drawn

    def _line(self, row: Sequence[Styled], widths: list[int]) -> Text:
        line = Text()
        for at, cell in enumerate(row):
            line.append(self._placed(cell.text, at, widths[at]), cell.style)
            line.append(" " if at < len(row) - 1 else "")
        line.rstrip()
        return line

    def _placed(self, text: str, at: int, width: int) -> str:
        short = cut(text, width, tail=self._heads[at].tail)
        space = " " * (width - cell_len(short))
        return space + short if self._heads[at].right else short + space


def cut(text: str, width: int, *, tail: bool = False) -> str:
    """A text in so many places of the screen; what is left out is left out at its end, or with ``tail`` in front.

    Example:
        >>> cut("customer:42", 8), cut("web-17:4711", 8, tail=True), cut("short", 8)
        ('custome…', '…17:4711', 'short')
    """
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    if not tail:
        return set_cell_size(text, width - 1).rstrip() + _MARK
    return _MARK + set_cell_size(text[::-1], width - 1).rstrip()[::-1]
