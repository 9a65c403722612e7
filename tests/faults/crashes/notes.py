"""What is written down beside the store, in the order in which it came: asked, answered, run, seen."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import msgspec


class Asked(msgspec.Struct, frozen=True, tag_field="line", tag="asked"):
    """Something is about to be asked.

    Attributes:
        n: the number of the request; the payload of a job has the number of its submit.
        verb: submit, cancel, replay, discard or count.
        many: how many jobs, or how much is counted.
        job: whom it is about, if it is no submit.
    """

    n: int
    verb: str
    many: int = 1
    job: str | None = None


class Accepted(msgspec.Struct, frozen=True, tag_field="line", tag="accepted"):
    """A submit was answered: its jobs are acknowledged.

    Attributes:
        created: False where a held key gave the id of another job.
    """

    n: int
    jobs: tuple[str, ...]
    created: bool = True


class Answered(msgspec.Struct, frozen=True, tag_field="line", tag="answered"):
    """Something else was answered."""

    n: int
    answer: str = "done"


class Refused(msgspec.Struct, frozen=True, tag_field="line", tag="refused"):
    """The answer was an error that says that nothing was changed."""

    n: int
    error: str


class Unknown(msgspec.Struct, frozen=True, tag_field="line", tag="unknown"):
    """The answer was that nobody knows, or that the disk has failed."""

    n: int
    error: str


class Told(msgspec.Struct, frozen=True, tag_field="line", tag="told"):
    """The outcome of a job was seen.

    Attributes:
        run: its starts until then.
    """

    job: str
    status: str
    run: int
    result: Any = None


class Began(msgspec.Struct, frozen=True, tag_field="line", tag="began"):
    """A handler's first act."""

    job: str
    fence: int


class Finished(msgspec.Struct, frozen=True, tag_field="line", tag="finished"):
    """A handler's last act, if it succeeds."""

    job: str
    fence: int


class Closed(msgspec.Struct, frozen=True, tag_field="line", tag="closed"):
    """The store was closed, and the program ends.

    Attributes:
        error: what ended it before its time.
    """

    error: str = ""


Line: TypeAlias = Asked | Accepted | Answered | Refused | Unknown | Told | Began | Finished | Closed


class Notes(Protocol):
    """Where lines go; when `write` returns, a kill can't take the line away."""

    def write(self, line: Line, /) -> None: ...


class Kept:
    """Lines in memory, for what runs in the process that checks."""

    def __init__(self) -> None:
        self.all: list[Line] = []

    def write(self, line: Line, /) -> None:
        self.all.append(line)
