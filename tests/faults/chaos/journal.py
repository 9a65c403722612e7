"""Append-only files: what was seen is on record, whoever is killed next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec


class Journal:
    """One file that many processes append to, each line by one write.

    A line begins with its line feed: one that a kill cuts short can't spoil the next.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def write(self, line: msgspec.Struct) -> None:
        os.write(self._descriptor, b"\n" + msgspec.json.encode(line))

    def close(self) -> None:
        os.close(self._descriptor)


class Lines:
    """What such a file says, read once.

    Args:
        path: the file; none is like an empty one.
        kinds: the type of its lines, or a union of types.

    Attributes:
        all: the whole lines, in the order in which they were written.
        torn: how many were cut short by a kill.
    """

    def __init__(self, path: Path, kinds: Any) -> None:
        decoder = msgspec.json.Decoder(kinds)
        self.all: list[Any] = []
        self.torn = 0
        for text in path.read_bytes().split(b"\n") if path.exists() else ():
            if not text:
                continue
            try:
                self.all.append(decoder.decode(text))
            except msgspec.DecodeError:
                self.torn += 1
