"""SQL is text in ``.sql`` files: named statements, each with a line that says what it is for."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

MARK = "-- name: "


@cache
def statements(package: str, file: str) -> Mapping[str, str]:
    """The named statements of one ``.sql`` file, by name.

    Raises:
        ValueError: a name stands twice, or a statement has no line that says what it is for.
    """
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for block in text.split(MARK)[1:]:
        name, _, rest = block.partition("\n")
        name = name.strip()
        if name in found or not rest.startswith("-- "):
            message = f"{file}: statement {name!r} stands twice or lacks its line of purpose"
            raise ValueError(message)
        found[name] = rest.strip().rstrip(";")
    return found


def migrations(package: str) -> list[tuple[int, str]]:
    """The numbered migrations ``NNNN_what.sql`` of a store, in order."""
    folder: Traversable = resources.files(package).joinpath("migrations")
    files = sorted((file.name, file) for file in folder.iterdir() if file.name.endswith(".sql"))
    return [(int(name.split("_", 1)[0]), file.read_text(encoding="utf-8")) for name, file in files]
