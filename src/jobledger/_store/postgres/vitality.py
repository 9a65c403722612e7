"""Who is known to have ended: by what the server says of connections, never by a process id."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from jobledger._store.contract import Vital
from jobledger._types import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable

OLD_SECONDS: Final = 10.0
"""A server or a connection that is younger may have lost the others' connections with its own."""
BACK_SECONDS: Final = 1.0
"""What a living process gets to come back after it has lost its connection."""
SILENT_CLIENT: Final = 3600 * SECOND
"""A client holds no jobs and no lease; after an hour without a batch its counts are folded."""


class Vitality:
    """Remembers since when a worker's connection has been gone."""

    def __init__(self) -> None:
        """Nobody is known."""
        self._gone: dict[int, tuple[int, float]] = {}

    def read(self, rows: Iterable[Any], connected_at: float) -> tuple[Vital, ...]:
        """The signs of life from one look; ``connected_at`` is of the connection that looked."""
        moment = time.monotonic()
        before, self._gone = self._gone, {}
        vitals: list[Vital] = []
        for writer_id, kind, host, pid, lease, beat, given_up, gone, server_age, seen_at, now, backend in rows:
            ended = bool(given_up)
            if gone and server_age > OLD_SECONDS and moment - connected_at > OLD_SECONDS:
                seen, since = before.get(writer_id, (backend, moment))
                self._gone[writer_id] = backend, since if seen == backend else moment
                ended = ended or (seen == backend and moment - since >= BACK_SECONDS)
            if kind == "client":
                ended = ended or now - seen_at > SILENT_CLIENT
            vitals.append(Vital(writer_id, "worker" if kind == "worker" else "client", host, pid, lease, beat, ended))
        return tuple(vitals)
