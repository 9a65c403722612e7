"""Where the demo is played: a store, and the files around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class Stage(msgspec.Struct, frozen=True):
    """A store that is new, and a folder.

    Attributes:
        url: the store.
        name: the same, as it may be shown and given to a command.
        inputs: the folder of the files that the demo writes itself.
        seen: the file in which handlers write down what they see; it lies among them.
        stays: whether the store is there when the demo has ended.
    """

    url: str
    name: str
    inputs: Path
    seen: Path
    stays: bool = True
