"""What the users' own metrics mean, in their words: one line for each name."""

from __future__ import annotations

from typing import Final

from jobledger._config import ALL_SERIES_BUDGET, MAX_HELP
from jobledger._core.labels import seen
from jobledger._escape import brief
from jobledger.errors import InvalidOption

_CUT: Final = "..."


def help_text(text: object) -> str:
    r"""A text on one line, without what can't be seen; beyond 255 characters it is cut and ends in ``...``.

    Raises:
        InvalidOption: it is not text.

    Example:
        >>> help_text("Invoices that\n    were paid.")
        'Invoices that were paid.'
    """
    if not isinstance(text, str):
        raise InvalidOption(f"the help of a metric must be text, not {brief(text)}; labels are given by name")
    line = seen(" ".join(text.split()))
    return line if len(line) <= MAX_HELP else line[: MAX_HELP - len(_CUT)] + _CUT


class HelpTexts:
    """The texts that this process has for names: of several the first, so that they don't take turns in the books."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        """None yet."""
        self._texts: dict[str, str] = {}

    def of(self, name: str, text: str) -> str:
        """The one text of a name; none if there are more names than series can be.

        Raises:
            InvalidOption: it is not text.
        """
        wanted = help_text(text)
        if wanted and len(self._texts) < ALL_SERIES_BUDGET:
            self._texts.setdefault(name, wanted)
        return self._texts.get(name, "")
