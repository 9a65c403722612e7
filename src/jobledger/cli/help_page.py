"""The help of a command: in colour for people, plain for a pipe and for those who want no colours."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Console
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

_ORDER: Final = (
    "worker", "submit", "status", "list", "cancel", "dlq", "metrics", "top", "audit", "doctor", "serve", "export",
    "types", "migrate", "demo",
)  # fmt: skip
_VERBATIM: Final = "\b"
"""What click wants before lines that it must not fold."""


class Command(TyperCommand):
    """A command whose help fits where it is read."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer has moved these classes
        """Write the help."""
        _dress(self, ctx)
        super().format_help(ctx, formatter)


class Group(TyperGroup):
    """Commands whose help fits where it is read."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer has moved these classes
        """Write the help."""
        _dress(self, ctx)
        super().format_help(ctx, formatter)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - as above
        """What is used first comes first; groups are not put behind the rest."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


class _Argument(TyperArgument):
    """An argument that is shown by its name; that it is a text needs no telling."""

    def display_type_rich(self, ctx: Any) -> None:  # noqa: ANN401, ARG002 - as in typer
        return None


def _dress(command: TyperCommand | TyperGroup, ctx: Any) -> None:  # noqa: ANN401 - as above
    for param in command.get_params(ctx):
        if isinstance(param, TyperArgument):
            param.__class__ = _Argument
        elif isinstance(param, TyperOption) and param.is_flag:
            param.metavar = ""
    if _in_colour():
        command.rich_markup_mode = "rich"
        command.help = _unfolded(command.help or "")
        # Rich takes the common indent of all lines but the first away: the last one has none.
        command.epilog = (command.epilog or "").replace(f"{_VERBATIM}\n", "").strip() + f"\n{_VERBATIM}"


def _in_colour() -> bool:
    console = Console()
    return console.is_terminal and not console.is_dumb_terminal and not console.no_color


def _unfolded(text: str) -> str:
    """Each paragraph on one line, to be folded to the width of the terminal."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
