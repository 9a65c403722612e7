"""This process in numbers: its door, its loop, its memory. Never part of the books."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobledger._runtime.node import Node
    from jobledger._store.commit import Door

_STATM = Path("/proc/self/statm")


def measured(door: Door | None, node: Node | None) -> Mapping[str, float]:
    """What this process can say of itself; what it can't is left out."""
    values: dict[str, float] = {}
    if door is not None:
        gauge = door.gauge
        values |= {"batches": gauge.batches, "commands": gauge.commands}
        values |= {"commit_seconds": gauge.seconds, "slowest_commit": gauge.slowest, "start_time": gauge.began}
    if node is not None:
        values["loop_lag"] = node.lag.latest
        if node.pusher is not None:
            values |= node.pusher.measured()
    memory = _resident()
    return values if memory is None else values | {"resident_memory": memory}


def _resident() -> int | None:
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
