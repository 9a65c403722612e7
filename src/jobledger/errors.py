"""Every exception that jobledger raises.

JobledgerError
├── InvalidInput            the call is wrong; nothing was changed
│   ├── UnknownType         no handler and no declaration has this name
│   ├── InvalidPayload      not a JSON object, wrong types, or too large
│   └── InvalidOption       priority, delay, name, limit, batch …
├── JobError                the job can't do what was asked
│   ├── NotFound
│   ├── NotDead             replay or discard of a job that is no dead letter
│   ├── Duplicate           the dedupe key is held and on_duplicate is "raise"
│   └── NotEnded            the wait for a result or an outcome ran out
├── JobEnded                a result was asked of a job that did not complete
├── OutcomeUnknown          the commit's answer is lost and can't be found out
├── StoreError              the database can't be used
│   ├── NotAStore           the file is something else
│   ├── SchemaTooNew        written by a newer jobledger
│   ├── SchemaTooOld        must be migrated first
│   ├── StoreReadOnly       the file or its directory can't be written
│   ├── StoreBusy           another process holds the write lock
│   └── CommitUnknown       the connection broke during COMMIT (resolved by the door)
├── Fenced                  this writer was taken over; a new one is needed
├── WorkerStuck             code was still running when the grace time ended
└── NotOpen                 the App was used outside of ``async with app``

Errors carry their data as attributes, and each message says what to do next. The handler-side
signals :class:`AttemptStopped`, :class:`AttemptCancelled` and :class:`AttemptTimedOut` are raised by
``ctx.check()``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class JobledgerError(Exception):
    """The base of all errors of this library."""


class InvalidInput(JobledgerError, ValueError):
    """The call is wrong and nothing was changed."""


class UnknownType(InvalidInput):
    """No handler and no declaration has this type's name.

    Attributes:
        name: the name that was asked for.
        near: names that look like it.
    """

    def __init__(self, name: str, near: Sequence[str] = ()) -> None:
        """Name the unknown type and its near matches."""
        self.name = name
        self.near = tuple(near)
        hint = f" Did you mean {', '.join(map(repr, self.near))}?" if self.near else ""
        super().__init__(
            f"unknown job type {name!r}.{hint} A type is known once a worker that handles it has started, "
            f"or after app.declare({name!r})."
        )


class InvalidPayload(InvalidInput):
    """The payload is not a JSON object, doesn't fit the handler, or is too large."""


class InvalidOption(InvalidInput):
    """An option is out of its range: priority, delay, name, limit, batch."""


class JobError(JobledgerError):
    """The job can't do what was asked of it.

    Attributes:
        job_id: the job.
    """

    def __init__(self, message: str, job_id: str) -> None:
        """Keep the job's id beside the message."""
        self.job_id = job_id
        super().__init__(message)


class NotFound(JobError):
    """No job has this id; it may have been pruned after its retention."""

    def __init__(self, job_id: str) -> None:
        """Name the missing job."""
        super().__init__(
            f"no job {job_id!r}: check the id and the store; ended jobs are pruned after their retention", job_id
        )


class NotDead(JobError):
    """Only a dead letter can be replayed or discarded.

    Attributes:
        status: what the job is instead.
    """

    def __init__(self, job_id: str, status: str, verb: str) -> None:
        """Name the job's status and the refused verb."""
        self.status = status
        super().__init__(
            f"job {job_id} is {status}, not dead: only a job in the dead-letter queue can be {verb}", job_id
        )


class Duplicate(JobError):
    """The dedupe key is held by another job; ``job_id`` names the holder."""

    def __init__(self, job_id: str, key: str) -> None:
        """Name the holder and the key."""
        self.key = key
        super().__init__(f"dedupe key {key!r} is held by job {job_id}: nothing was submitted", job_id)


class NotEnded(JobError):
    """The job had not ended when the wait ran out."""


class JobEnded(JobError):
    """The job ended, but not complete, so it has no result.

    Attributes:
        status: how it ended.
        reason: why, where known.
    """

    def __init__(self, job_id: str, status: str, reason: str | None, error: str | None) -> None:
        """Name how the job ended."""
        self.status = status
        self.reason = reason
        self.error = error
        why = f" ({reason})" if reason else ""
        what = f": {error.strip().splitlines()[-1]}" if error and error.strip() else ""
        super().__init__(f"job {job_id} ended {status}{why}{what}; it has no result", job_id)


class OutcomeUnknown(JobError):
    """The answer of a commit is lost and can't be found out; ask ``status(job_id)``."""

    def __init__(self, job_id: str) -> None:
        """Name the job whose command has no known outcome."""
        super().__init__(
            f"the outcome of the last command on job {job_id} is unknown: ask status({job_id!r}) before repeating it",
            job_id,
        )


class StoreError(JobledgerError):
    """The database can't be used."""


class NotAStore(StoreError):
    """The file is no jobledger store."""


class SchemaTooNew(StoreError):
    """The store was written by a newer jobledger."""


class SchemaTooOld(StoreError):
    """The store must be migrated before this version can use it."""


class StoreReadOnly(StoreError):
    """The store or its directory can't be written."""


class StoreBusy(StoreError):
    """Another process held the write lock for too long.

    Attributes:
        pid: the holder, where the system can tell.
    """

    def __init__(self, message: str, pid: int | None = None) -> None:
        """Keep the holder's process id."""
        self.pid = pid
        super().__init__(message)


class CommitUnknown(StoreError):
    """The store broke during COMMIT; the door reads ``batch_no`` to find out what happened."""


class Fenced(JobledgerError):
    """This writer was taken over, forked or restored: nothing of its batch was applied.

    Attributes:
        writer_id: the writer that may not write any more.
    """

    def __init__(self, writer_id: int) -> None:
        """Name the fenced writer."""
        self.writer_id = writer_id
        super().__init__(f"writer {writer_id} is fenced: another process has taken its jobs over")


class WorkerStuck(JobledgerError):
    """Handlers were still running at the end of the grace time; their jobs were not released.

    Attributes:
        job_ids: the jobs whose code still runs. They are taken over once this process has ended.
    """

    def __init__(self, job_ids: Sequence[str]) -> None:
        """Name the jobs whose code still runs."""
        self.job_ids = tuple(job_ids)
        shown = ", ".join(self.job_ids[:3])
        more = ", …" if len(self.job_ids) > 3 else ""  # noqa: PLR2004 - as many as are shown
        super().__init__(
            f"{len(self.job_ids)} handler(s) did not stop in the grace time ({shown}{more}): "
            "end this process, and another worker takes their jobs over"
        )


class NotOpen(JobledgerError):
    """The App was used before it was opened, or after it was closed."""


class AttemptStopped(JobledgerError):
    """Raised by ``ctx.check()``: this attempt should end now."""


class AttemptCancelled(AttemptStopped):
    """The job was cancelled while this attempt ran."""


class AttemptTimedOut(AttemptStopped):
    """This attempt ran longer than its timeout."""
