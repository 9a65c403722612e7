"""The input: the files of the running Python's standard library, and a few that the demo writes itself."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIN_BROKEN: Final = 20
"""So many files that can't be read as text make a dead-letter queue worth looking at."""
_SKIPPED: Final = frozenset({"__pycache__", "dist-packages", "site-packages"})
_KIB: Final = 1024
_CLASSES: Final = ((64 * _KIB, "low"), (16 * _KIB, "normal"), (4 * _KIB, "high"))
_PREFIX: Final = "known-bad-"
_BROKEN_SYNTAX: Final = b"def unfinished(:\n    return\n"
_BROKEN_BYTES: Final = b"caf\xe9 is Latin-1, not UTF-8\n"
_REPAIRED: Final = b"def finished():\n    return 'the cause is repaired'\n"


class File(msgspec.Struct, frozen=True):
    """One input file.

    Attributes:
        path: where it is.
        folder: its directory, relative to the library; the entity of its job.
        size: bytes.
        decodable: it is UTF-8, so its job can succeed.
    """

    path: Path
    folder: str
    size: int
    decodable: bool

    @property
    def priority(self) -> str:
        """Small files first: the priority of its job, by its size."""
        return next((label for above, label in _CLASSES if self.size > above), "critical")


def library() -> Path:
    """Where the running Python keeps its standard library."""
    return Path(sysconfig.get_path("stdlib"))


def find(root: Path, limit: int | None = None) -> list[File]:
    """All files below ``root`` but caches and installed packages; with ``limit`` so many, evenly spread."""
    paths = sorted(_walk(root))
    return [_classified(path, path.parent.relative_to(root).as_posix()) for path in spread(paths, limit)]


def spread(things: Sequence[Path], limit: int | None) -> list[Path]:
    """At most ``limit`` of them, taken at equal distances.

    Example:
        >>> [path.name for path in spread([Path(name) for name in "abcdef"], 3)]
        ['a', 'c', 'e']
    """
    if limit is None or limit >= len(things):
        return list(things)
    return [things[index * len(things) // limit] for index in range(limit)]


def write_known_bad(folder: Path, count: int) -> list[File]:
    """Write files whose jobs must fail: the first one will be repaired, so its error is one of syntax."""
    folder.mkdir(exist_ok=True)
    files: list[File] = []
    for number in range(1, count + 1):
        odd = number % 2 == 1
        path = folder / f"{_PREFIX}{number:02}.{'py' if odd else 'txt'}"
        path.write_bytes(_BROKEN_SYNTAX if odd else _BROKEN_BYTES)
        files.append(_classified(path, folder.name))
    return files


def repair(file: File) -> None:
    """Remove the cause: the file is well-formed from now on."""
    file.path.write_bytes(_REPAIRED)


def remove_known_bad(folder: Path) -> None:
    """Remove what :func:`write_known_bad` has written, and the folder if nothing else is in it."""
    for path in folder.glob(f"{_PREFIX}[0-9][0-9].*"):
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _walk(root: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in _SKIPPED]
        for name in names:
            path = Path(folder, name)
            if path.is_file():
                yield path


def _classified(path: Path, folder: str) -> File:
    try:
        content = path.read_bytes()
        content.decode()
    except (OSError, UnicodeDecodeError):
        return File(path, folder, path.stat().st_size, decodable=False)
    return File(path, folder, len(content), decodable=True)
