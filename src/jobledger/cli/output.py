"""What a command prints: results to stdout, remarks to stderr; for people on a terminal, for programs otherwise."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from jobledger._escape import shown, shown_json, shown_lines
from jobledger.cli.tables import Cell, Column, Sheet, Styled, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.live import Live

    from jobledger.errors import JobledgerError

__all__ = ["Cell", "Column", "Output", "Styled", "described"]


class Output:
    """Where a command's words go. Every text is made safe here, whoever wrote it.

    Args:
        as_json: one JSON document on stdout instead of words.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        """Look at where stdout and stderr lead now."""
        self.as_json = as_json
        self._console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._errors = Console(file=sys.stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)

    @property
    def terminal(self) -> bool:
        """Whether a person is looking."""
        return self._console.is_terminal

    def line(self, text: str, style: str = "") -> None:
        """One line of the result."""
        self._console.print(Text(shown(text), style))

    def block(self, text: str) -> None:
        """Several lines, such as a traceback."""
        for line in shown_lines(text):
            self._console.print(Text(f"  {line}"))

    def exact(self, text: str) -> None:
        """A text that is a format of its own, byte for byte."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def data(self, value: object) -> None:
        """A JSON document: indented on a terminal, on one line otherwise."""
        encoded = msgspec.json.encode(value, enc_hook=str)
        self.exact(shown_json(msgspec.json.format(encoded, indent=2 if self.terminal else -1).decode()) + "\n")

    def json_line(self, value: object) -> None:
        """A JSON document on one line, wherever it goes: one of many."""
        self.exact(shown_json(msgspec.json.encode(value, enc_hook=str).decode()) + "\n")

    def json_text(self, value: object) -> str:
        """A JSON value to stand among words."""
        encoded = msgspec.json.encode(value)
        return shown_json(msgspec.json.format(encoded, indent=2 if self.terminal else -1).decode())

    def json_block(self, title: str, value: object) -> None:
        """A JSON value under a title."""
        self._console.print(Text(f"\n{title}", "bold"))
        for line in self.json_text(value).split("\n"):
            self._console.print(Text(f"  {line}"))

    def title(self, text: str) -> None:
        """What the following lines are about."""
        self._console.print(Text(f"\n{shown(text)}", "bold"))

    def paragraph(self, name: str, text: str, style: str = "") -> None:
        """A name and what is to be said of it, folded on a terminal."""
        line = Text.assemble((shown(name), style), shown(text))
        self._console.print(Padding(line, (0, 0, 0, 2)) if self.terminal else line, soft_wrap=not self.terminal)

    def note(self, text: str, style: str = "") -> None:
        """A remark for people, on stderr."""
        self._errors.print(Text(shown(text), style))

    def warn(self, text: str) -> None:
        """A remark that should be heeded."""
        self.note(f"warning: {text}", "yellow")

    def error(self, error: JobledgerError) -> None:
        """An expected error: one line on stderr, or a JSON document on stdout."""
        if self.as_json:
            self.data({"error": described(error)})
        else:
            self._errors.print(Text.assemble(("error:", "bold red"), f" {shown(str(error))}"))

    def table(self, columns: Sequence[Column | str], rows: Iterable[Sequence[Cell]]) -> None:
        """A table: drawn on a terminal, a block for each row on a narrow one, and in plain columns for a program."""
        self.sheet(Sheet(columns, rows))

    def sheet(self, sheet: Sheet) -> None:
        """A table that is made already."""
        if not self.terminal:
            self.exact(sheet.aligned())
            return
        fitted = sheet.fitted(self._console.width)
        if fitted is not None:
            self._console.print(fitted.drawn(), soft_wrap=False)
            return
        for record in sheet.records():
            self.fields(record)
            self.line("")

    def drawn(self, lines: Iterable[Text]) -> None:
        """Lines that were made safe, and of their length, by whoever laid them out."""
        for line in lines:
            self._console.print(line)

    def fields(self, pairs: Iterable[tuple[str, Cell | None]]) -> None:
        """Names and values; what is None is left out."""
        kept = [(name, safe(value)) for name, value in pairs if value is not None]
        width = max((len(name) for name, _ in kept), default=0)
        for name, value in kept:
            self._console.print(Text.assemble((f"{name:<{width}}  ", "dim"), (value.text, value.style)))

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal as it is now."""
        return self._console.size

    def screen(self) -> Live:
        """The whole terminal, to be drawn upon; as it was before, when it is left."""
        from rich.live import Live  # no other command needs it

        return Live(console=self._console, screen=True, auto_refresh=False)

    def progress(self, unit: str) -> Progress:
        """A bar on stderr, if that is a terminal."""
        return Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeElapsedColumn(),
            console=self._errors, transient=True, disable=not self._errors.is_terminal,
        )  # fmt: skip


def described(error: JobledgerError) -> dict[str, Any]:
    """An error as data."""
    data = {name: value for name, value in vars(error).items() if not name.startswith("_")}
    return {"type": type(error).__name__, "message": str(error), "data": data}
