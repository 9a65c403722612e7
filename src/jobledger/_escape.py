r"""Text of others on a terminal: it can be read, and can't do anything.

Names, payloads, errors and messages come from whoever submits jobs. Raw control characters in them could
move the cursor, rename the window or turn a line around; here they become visible escapes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"
"""Needed by scripts and emoji, and harmless."""
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BRIEF: Final = 200
"""Characters of a value in an error."""
_SUSPECT: Final = re.compile(r"[^\x20-\x7e]")


def shown(text: str) -> str:
    r"""A text on one line: control and direction characters become escapes.

    Example:
        >>> shown("a\x1b[31m\nb")
        'a\\x1b[31m\\nb'
    """
    return text if _is_plain(text) else _SUSPECT.sub(_escaped, text)


def _is_plain(text: str) -> bool:
    """Most texts are, and to see that costs a tenth of a search."""
    return text.isascii() and text.isprintable()


def brief(value: object) -> str:
    """A value as an error names it: short, and never an error itself.

    Example:
        >>> brief(10**5000), brief("x")
        ('a value of the type int', "'x'")
    """
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - of a caller's own it may be any; an int of 4,300 digits and more has no text
        return f"a value of the type {type(value).__name__}"[:_BRIEF]
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}…"


def shown_lines(text: str) -> list[str]:
    """A text of several lines, each of them safe."""
    text = text.rstrip()
    if _is_plain(text):
        return [text] if text else []
    return [shown(line.expandtabs(4)) for line in text.splitlines()]


def shown_json(text: str) -> str:
    """JSON text, still JSON: outside of ASCII, unsafe characters can only stand in strings, where escapes are right."""
    return "\n".join(_SUSPECT.sub(_json_escaped, line) for line in text.split("\n"))


def _is_safe(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in _UNSAFE


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return character if _is_safe(character) else character.encode("unicode_escape").decode("ascii")


def _json_escaped(found: re.Match[str]) -> str:
    character = found[0]
    if _is_safe(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
