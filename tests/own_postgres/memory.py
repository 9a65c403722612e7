"""The System V segment of a server: it outlives a killed one, and systems have few of them."""

from pathlib import Path

SEGMENTS = Path("/proc/sysvipc/shm")


def memory_of(place: Path) -> str:
    """Its number, from the file in which the server says who it is."""
    lines = (place / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    return lines[6].split()[-1]


def memory_left(number: str) -> list[str]:
    """The number, if there still is such a segment; nothing where the system has no list of them."""
    rows = SEGMENTS.read_text(encoding="utf-8").splitlines()[1:] if SEGMENTS.exists() else []
    return [found for found in (row.split()[1] for row in rows) if found == number]
