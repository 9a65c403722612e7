"""The Python that runs this process, as the beginning of another command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS: Final = {
    "isolated": "I",
    "ignore_environment": "E",
    "no_user_site": "s",
    "no_site": "S",
    "safe_path": "P",
    "dont_write_bytecode": "B",
    "optimize": "O",
}


def interpreter() -> list[str]:
    """``sys.executable`` with the flags that this process was started with, such as ``-O``, ``-W`` and ``-X``."""
    return [sys.executable, *_letters(), *(f"-W{warning}" for warning in sys.warnoptions), *_extras()]


def _letters() -> Iterator[str]:
    for name, letter in _FLAGS.items():
        times = int(getattr(sys.flags, name))
        if times:
            yield f"-{letter * times}"


def _extras() -> Iterator[str]:
    options: dict[str, str | bool] = getattr(sys, "_xoptions", {})  # CPython's, and documented
    for name, value in options.items():
        yield f"-X{name}" if value is True else f"-X{name}={value}"
