"""The line between a supervisor and its child: what is said on it.

It is one pair of connected sockets. The child says what became of it, one JSON document per line. The supervisor says
nothing: its end tells the child that it is alive, because the kernel closes it when it dies, however it dies.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec


class Ready(msgspec.Struct, tag="ready", frozen=True):
    """The child claims jobs, and obeys signals.

    Attributes:
        store: the URL, without a password.
        types: what it has handlers for.
    """

    store: str
    types: list[str]


class Refused(msgspec.Struct, tag="refused", frozen=True):
    """The child can't start, or can't go on.

    Attributes:
        error: the error as data: type, message, data.
    """

    error: dict[str, Any]


class Stopped(msgspec.Struct, tag="stopped", frozen=True):
    """The child has stopped in order.

    Attributes:
        attempts: what came of its attempts: completed, retried, released and so on.
    """

    attempts: dict[str, int]


Said: TypeAlias = Ready | Refused | Stopped

_decoder: Final[msgspec.json.Decoder[Said]] = msgspec.json.Decoder(Said)


def encoded(said: Said) -> bytes:
    """One line."""
    return msgspec.json.encode(said, enc_hook=str) + b"\n"


def decoded(line: bytes) -> Said:
    """What a line says."""
    return _decoder.decode(line)
