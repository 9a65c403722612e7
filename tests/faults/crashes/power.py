"""A power cut: what may be on the disk afterwards, of all that a recorder has seen.

What was synced is there. Of what was written since, each sector of 512 bytes may be as it was at any time since then,
whatever came of its neighbours: so any part of the writes is there, in any order, and a write may be torn. A sector on
which the power fails may be torn as well, between two of its states. A file may have any length that it has had
since, and names that were not synced may be there or not.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.faults.crashes.recorder import Created, Deleted, Dropped, Event, Noted, Synced, Truncated, Written

if TYPE_CHECKING:
    import random
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from tests.faults.crashes.notes import Line

SECTOR: Final = 512
_PAGE: Final = 8
"""Sectors of a page of the system's memory."""
_TORN: Final = 0.2
"""How many of the sectors in flight are torn."""


def lines_of(events: Sequence[Event]) -> list[Line]:
    """What was noted."""
    return [event.line for event in events if isinstance(event, Noted)]


def cut(events: Sequence[Event], folder: Path, chance: random.Random | None) -> None:
    """Write the files that are there after a power cut behind the last of these events.

    Args:
        events: from the beginning on.
        folder: an empty one.
        chance: decides what is there of what was not synced; None: all of it is.
    """
    disk = _Disk()
    for event in events:
        disk.see(event)
    for name, content in disk.left(chance).items():
        (folder / name).write_bytes(content)


class _Disk:
    """All files, by their numbers, and all names."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = defaultdict(_File)
        self._names: dict[str, list[int | None]] = defaultdict(lambda: [None])

    def see(self, event: Event) -> None:
        match event:
            case Written(file, offset, data):
                self._files[file].write(offset, data)
            case Truncated(file, size):
                self._files[file].truncate(size)
            case Synced(file, names):
                self._files[file].sync()
                if names:
                    self._sync_names()
            case Dropped(file):
                self._files[file].drop()
            case Created(file, name):
                self._names[name].append(file)
            case Deleted(name, synced):
                self._names[name].append(None)
                if synced:
                    self._sync_names()
            case Noted():
                pass

    def _sync_names(self) -> None:
        """One folder: what happened to a name is kept when another one is synced."""
        for states in self._names.values():
            del states[:-1]

    def left(self, chance: random.Random | None) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name, states in self._names.items():
            file = states[-1] if chance is None else chance.choice(states)
            if file is not None:
                found[name] = self._files[file].left(chance)
        return found


class _File:
    """One file: what is in memory, and the states of each sector that is not on the disk for good.

    The first of these states was on the disk, the last is in memory.
    """

    def __init__(self) -> None:
        self._memory = bytearray()
        self._sizes = [0]
        self._open: dict[int, list[bytes]] = {}
        self._dropped: set[int] = set()

    def write(self, offset: int, data: bytes) -> None:
        size, end = len(self._memory), offset + len(data)
        with self._changing(min(offset, size), end):
            self._memory.extend(bytes(max(end - size, 0)))
            self._memory[offset:end] = data

    def truncate(self, size: int) -> None:
        now = len(self._memory)
        with self._changing(min(size, now), max(size, now)):
            del self._memory[size:]
            self._memory.extend(bytes(max(size - now, 0)))

    def sync(self) -> None:
        """What an earlier sync has dropped is not written by this one."""
        self._open = {number: states for number, states in self._open.items() if number // _PAGE in self._dropped}
        self._sizes = [len(self._memory)]

    def drop(self) -> None:
        """The system takes it for written, and it is not."""
        self._dropped.update(number // _PAGE for number in self._open)

    def left(self, chance: random.Random | None) -> bytes:
        if chance is None:
            return bytes(self._memory)
        pick = chance.choice((_oldest, _newest, _any, _any))
        size = self._sizes[pick(len(self._sizes), chance)]
        content = bytearray(max(size, len(self._memory)) + SECTOR)
        content[: len(self._memory)] = self._memory
        for number, states in self._open.items():
            content[number * SECTOR : (number + 1) * SECTOR] = _torn(states, pick(len(states), chance), chance)
        return bytes(content[:size])

    @contextmanager
    def _changing(self, begin: int, end: int) -> Generator[None]:
        """A page that is changed will be written as a whole, whatever was dropped of it."""
        touched = range(begin // SECTOR, -(-end // SECTOR))
        for number in touched:
            self._open.setdefault(number, [self._sector(number)])
        yield
        for number in touched:
            self._open[number].append(self._sector(number))
            self._dropped.discard(number // _PAGE)
        self._sizes.append(len(self._memory))

    def _sector(self, number: int) -> bytes:
        return bytes(self._memory[number * SECTOR : (number + 1) * SECTOR]).ljust(SECTOR, b"\0")


def _torn(states: list[bytes], index: int, chance: random.Random) -> bytes:
    """One of the states, or the power fails in the middle of the sector."""
    if not index or chance.random() > _TORN:
        return states[index]
    at = chance.randrange(SECTOR)
    return states[index][:at] + states[index - 1][at:]


def _oldest(_: int, __: random.Random) -> int:
    return 0


def _newest(many: int, _: random.Random) -> int:
    return many - 1


def _any(many: int, chance: random.Random) -> int:
    return chance.randrange(many)
