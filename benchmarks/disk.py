"""Where the files go: commits are synced, so a directory in memory would measure nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

_IN_MEMORY = {"tmpfs", "ramfs"}
_ROOT = Path(__file__).resolve().parents[1]


def file_system(path: Path) -> str:
    """The type of the file system below a path, as the kernel names it."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return "unknown file system"
    target = path.resolve()
    best, name = Path("/"), "unknown file system"
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, mounted, kind, *_ = line.split(" ")
        point = Path(mounted.encode().decode("unicode_escape"))
        if target.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, name = point, kind
    return name


def on_disk() -> Path:
    """The first usual directory that is not in memory."""
    candidates = [Path(tempfile.gettempdir()), Path("/var/tmp"), _ROOT]  # noqa: S108 - a fresh directory is made inside
    for candidate in candidates:
        if candidate.is_dir() and file_system(candidate) not in _IN_MEMORY:
            return candidate
    return candidates[0]


def described(path: Path) -> str:
    """The directory and its file system, with a warning where it is in memory."""
    kind = file_system(path)
    warning = " (in memory: the commits are not durable)" if kind in _IN_MEMORY else ""
    return f"{kind} at {path}{warning}"
