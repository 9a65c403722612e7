"""Whether a worker would find something to do: read before a batch is made only to look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobledger._store.contract import Prospect
from jobledger._store.sqlite.pages import SQL

if TYPE_CHECKING:
    import apsw

    from jobledger._store.contract import Room
    from jobledger._types import Micros


def prospect(connection: apsw.Connection, writer_id: int, room: Room, wall: Micros) -> Prospect:
    """Ready jobs that there is room for, due ones, and what the worker has not heard of: a cancel, or its own fence."""
    due: Micros | None = connection.execute(SQL["next_due"]).get
    now = max(wall, int(str(connection.execute(SQL["store_now"]).get)))
    is_due = due is not None and due <= now
    return Prospect(is_due or _is_called(connection, writer_id, room) or _is_ready(connection, room), due, now)


def _is_called(connection: apsw.Connection, writer_id: int, room: Room) -> bool:
    if len(connection.execute(SQL["stops"], (writer_id,)).fetchall()) > room.stops:
        return True
    # Fenced after the batch that its silence made it send: with nothing to write it would never hear of that.
    return connection.execute(SQL["is_live"], (writer_id,)).fetchone() is None


def _is_ready(connection: apsw.Connection, room: Room) -> bool:
    if not room.types:
        return False
    asked = (json.dumps(room.types),)
    names = ("is_ready", "is_suspect_ready") if room.suspects else ("is_ready",)
    return any(connection.execute(SQL[name], asked).fetchone() is not None for name in names)
