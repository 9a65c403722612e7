"""The lines that are written down: what handlers did, what callers were answered, what went wrong.

All instants are nanoseconds of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Started(msgspec.Struct, frozen=True, tag_field="line", tag="started"):
    """A handler's first act."""

    job: str
    run: int
    type: str
    entity: str | None
    fence: int
    writer: int
    pid: int
    at: int


class Ended(msgspec.Struct, frozen=True, tag_field="line", tag="ended"):
    """A handler's last act.

    Attributes:
        outcome: done, raised, failed (for good) or stopped (it was asked to).
        children: what it left to be submitted with its completion.
    """

    job: str
    run: int
    pid: int
    outcome: str
    at: int
    children: tuple[str, ...] = ()


class Enlisted(msgspec.Struct, frozen=True, tag_field="line", tag="enlisted"):
    """A process has become a writer."""

    writer: int
    pid: int


Seen: TypeAlias = Started | Ended | Enlisted


class Meant(msgspec.Struct, frozen=True, tag_field="line", tag="meant"):
    """A caller is about to submit a ticket of the plan."""

    ticket: int


class Accepted(msgspec.Struct, frozen=True, tag_field="line", tag="accepted"):
    """The submit was answered: these jobs are acknowledged.

    Attributes:
        created: False where a held dedupe key gave the id of another job.
    """

    ticket: int
    jobs: tuple[str, ...]
    created: tuple[bool, ...]


class Refused(msgspec.Struct, frozen=True, tag_field="line", tag="refused"):
    """The submit was answered: nothing was written."""

    ticket: int
    error: str


class Asked(msgspec.Struct, frozen=True, tag_field="line", tag="asked"):
    """A caller is about to cancel, replay or discard a job."""

    verb: str
    job: str


class Answered(msgspec.Struct, frozen=True, tag_field="line", tag="answered"):
    """What came of it; a status where the job had ended."""

    verb: str
    job: str
    answer: str


Told: TypeAlias = Meant | Accepted | Refused | Asked | Answered


class Signalled(msgspec.Struct, frozen=True, tag_field="line", tag="signalled"):
    """A process was killed, or something was wrong with it for a while.

    Attributes:
        role: worker or submitter; trouble: it was wrong, whomever it hit.
        signal: what it was.
        until: when it had ended, or went on.
        locked: whether it held the write lock then; None where that can't be seen.
    """

    role: str
    pid: int
    signal: str
    at: int
    until: int
    locked: bool | None = None
