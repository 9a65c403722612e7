"""What the shell offers after a tab: words that the store knows, too. Quick, silent, and it changes nothing."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

import typer

from jobledger._clock import SystemClock
from jobledger._config import URL_VARIABLE
from jobledger._core.job import Lane, Status
from jobledger._core.outcome import Reason
from jobledger._core.priority import Priority
from jobledger._store.open import open_store

if TYPE_CHECKING:
    from collections.abc import MutableMapping

ASKED: Final = "_JOBLEDGER_COMPLETE"
"""Set by the shell when it asks for words; typer's protocol."""
_BASH: Final = "complete_bash"
_PLAIN: Final = re.compile(r"[\w.:@+/-]+", re.ASCII)
"""Names that are one word to every shell, and nothing more than a word."""
_BREAK: Final = re.compile(r"[:=]+")
_WIDE: Final = "1000"
_BUSY_MS: Final = 100


def statuses() -> list[str]:
    """All statuses."""
    return [*Status]


def lanes() -> list[str]:
    """The lanes of queued jobs; the others are statuses."""
    return [Lane.READY, Lane.PARKED, Lane.SCHEDULED]


def reasons() -> list[str]:
    """All reasons that a job can have."""
    return [*Reason]


def priorities() -> list[str]:
    """All priorities."""
    return [priority.label for priority in Priority]


def on_duplicates() -> list[str]:
    """What can be done about a held key."""
    return ["return", "raise"]


def types(ctx: typer.Context, incomplete: str) -> list[str]:
    """The types that the store knows; an App is not imported for it."""
    url = ctx.params.get("url") or os.environ.get(URL_VARIABLE)
    if not isinstance(url, str) or (":" in incomplete and os.environ.get(ASKED) == _BASH):
        return []  # bash replaces only what follows a colon
    try:
        names = _types_of(url)
    except Exception:  # noqa: BLE001 - a tab must never bring a traceback, whatever lies at that path
        return []
    return [name for name in names if _PLAIN.fullmatch(name)]


def _types_of(url: str) -> list[str]:
    from jobledger._store.sqlite.checkup import type_names
    from jobledger._store.sqlite.store import SqliteStore

    store = open_store(url, SystemClock().now)
    if isinstance(store, SqliteStore):
        return type_names(store.path, _BUSY_MS)
    try:
        return sorted(one.name for one in store.types())
    finally:
        store.close()


def prepare(environment: MutableMapping[str, str]) -> None:
    """Mend what the shells ask.

    Help texts stand beside the words in zsh and fish, a line each: nothing may fold them. And bash cuts a URL at its
    colons, and ``--url=…`` at the equals sign.
    """
    asked = environment.get(ASKED)
    if asked is None:
        return
    environment["COLUMNS"] = _WIDE
    if asked == _BASH and environment.get("COMP_CWORD", "").isdecimal():
        words, at = joined(environment.get("COMP_WORDS", "").split("\n"), int(environment["COMP_CWORD"]))
        environment["COMP_WORDS"], environment["COMP_CWORD"] = "\n".join(words), str(at)


def joined(words: list[str], at: int) -> tuple[list[str], int]:
    """Words as they were typed, and which of them is being typed.

    Example:
        >>> joined(["jobledger", "list", "--url", "sqlite", ":", "///jobs.db", "--type", ""], 7)
        (['jobledger', 'list', '--url', 'sqlite:///jobs.db', '--type', ''], 5)
    """
    found: list[str] = []
    place = at
    glued = False
    for number, word in enumerate(words):
        is_break = bool(_BREAK.fullmatch(word))
        if found and word and (glued or is_break):
            found[-1] += word
        else:
            found.append(word)
        glued = is_break
        if number == at:
            place = len(found) - 1
    return found, place
