"""What a text becomes before it may be the value of a label."""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_LABEL: Final = 120
"""Characters that are kept of a longer text; ``...`` follows them."""
EMPTY: Final = "unknown"
OVERFLOW: Final = "__other__"
"""What is beyond a budget of labels has this one."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, formats (zero-width and direction marks), halves of surrogate pairs, line and paragraph separators."""
_FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f")
"""Zero-width characters that Unicode files under letters and marks."""
_VARIATIONS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def label(text: str) -> str:
    r"""Make a text fit to be a label's value.

    It is brought to one spelling (NFKC); control characters, zero-width characters and halves of surrogate
    pairs are dropped, and white space at the ends; beyond 120 characters it is cut and ends in ``...``. What is
    empty then is ``unknown``. Doing it twice changes nothing more.

    Args:
        text: any text, also from outside.

    Returns:
        1 to 123 printable characters.

    Example:
        >>> label("email\u200b.send\n")
        'email.send'
        >>> label(" ")
        'unknown'
    """
    # Two characters that a dropped one kept apart may compose now.
    clean = unicodedata.normalize("NFKC", seen(unicodedata.normalize("NFKC", text))).strip()
    if not clean:
        return EMPTY
    return clean if len(clean) <= MAX_LABEL else clean[:MAX_LABEL] + "..."


def seen(text: str) -> str:
    r"""A text without control characters, zero-width characters and halves of surrogate pairs.

    Example:
        >>> seen("a\u200b\x1bb")
        'ab'
    """
    return "".join(character for character in text if _is_seen(character))


def _is_seen(character: str) -> bool:
    if character in _FILLERS or unicodedata.category(character) in _UNSEEN:
        return False
    return not any(ord(character) in variations for variations in _VARIATIONS)
