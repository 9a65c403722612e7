"""What the system allows a process: of this shell, and of the processes that have the store open."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Final

from jobledger.cli.doctor.disk import size
from jobledger.cli.doctor.finding import Finding, broken, ok, warning
from jobledger.cli.doctor.procs import limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger.cli.doctor.patient import Patient

_FEW_FILES: Final = 256
_ROOM: Final = 2
"""The file may grow to so many times its size before its limit is worth a word."""


def limits(patient: Patient) -> Iterator[Finding]:
    """The size of a file, and the number of open files."""
    largest = max((file.stat().st_size for file in patient.files()), default=0)
    found = [finding for who, sizes, files in _all(patient) for finding in _told(who, sizes, files, largest)]
    yield from dict.fromkeys(found)
    if not found:
        _, sizes, files = next(_all(patient))
        shown = "files of any size" if sizes is None else f"files up to {size(sizes)}"
        yield ok(f"{shown}, and {'any number' if files is None else f'{files:,}'} of open files")


def _all(patient: Patient) -> Iterator[tuple[str, int | None, int | None]]:
    yield "this shell", _own(resource.RLIMIT_FSIZE), _own(resource.RLIMIT_NOFILE)
    for life in patient.lives():
        if life.pid:
            yield life.name, limit(life.pid, "Max file size"), limit(life.pid, "Max open files")


def _told(who: str, sizes: int | None, files: int | None, largest: int) -> Iterator[Finding]:
    if sizes is not None:
        grave = broken if sizes < _ROOM * largest else warning
        yield grave(
            f"{who} may write files up to {size(sizes)} only, and the largest of the store has {size(largest)}",
            "raise it: ulimit -f unlimited, LimitFSIZE=infinity in a systemd unit",
        )
    if files is not None and files < _FEW_FILES:
        yield warning(
            f"{who} may have {files} files open: each connection of a handler is one, too",
            "raise it: ulimit -n 4096, LimitNOFILE=4096 in a systemd unit",
        )


def _own(which: int) -> int | None:
    soft, _ = resource.getrlimit(which)
    return None if soft == resource.RLIM_INFINITY else soft
