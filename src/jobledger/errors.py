"""Every exception that jobledger raises.

JobledgerError
├── InvalidInput            the call is wrong; nothing was changed
│   ├── UnknownType         no handler and no declaration has this name
│   ├── InvalidPayload      not a JSON object, wrong types, or too large
│   ├── InvalidOption       priority, delay, name, limit, batch …
│   │   └── BoundariesDiffer    the App asks for another ladder than the store has
│   └── NoTransaction       ctx.transaction() where there can be none
├── JobError                the job can't do what was asked
│   ├── NotFound
│   ├── NotDead             replay or discard of a job that is no dead letter
│   ├── Duplicate           the dedupe key is held and on_duplicate is "raise"
│   └── NotEnded            the wait for a result or an outcome ran out
├── JobEnded                a result was asked of a job that did not complete
├── OutcomeUnknown          the commit's answer is lost and can't be found out
├── StoreError              the database can't be used
│   ├── NotAStore           the file is something else
│   ├── NetworkFileSystem   the file lies where locks and shared memory don't hold
│   ├── SchemaTooNew        written by a newer jobledger
│   ├── SchemaTooOld        must be migrated first
│   ├── StoreReadOnly       the file or its directory can't be written
│   ├── StoreBusy           another process holds the write lock
│   ├── StoreUnreachable    the server can't be reached, or has ended the connection
│   ├── StoreFull           there is no space for what is to be written
│   ├── DiskFailed          a commit could not be synced: this process must write no more
│   └── CommitUnknown       the connection broke during COMMIT (resolved by the door)
├── Fenced                  this writer was taken over; a new one is needed
├── WorkerStuck             code was still running when the grace time ended
└── NotOpen                 the App was used outside of ``async with app``

Errors carry their data as attributes, and each message says what to do next. The handler-side
signals :class:`AttemptStopped`, :class:`AttemptCancelled` and :class:`AttemptTimedOut` are raised by
``ctx.check()``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

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


class BoundariesDiffer(InvalidOption):
    """The App was given other histogram boundaries than the store has; nothing was changed.

    Attributes:
        given: the App's, in seconds.
        stored: the store's, in seconds; fixed when it was made.
    """

    def __init__(self, path: object, given: Sequence[float], stored: Sequence[float]) -> None:
        """Name both ladders."""
        self.given = tuple(given)
        self.stored = tuple(stored)
        super().__init__(
            f"{path} has the boundaries ({_shown(self.stored)}), this App was given ({_shown(self.given)}): "
            "they are fixed when a store is made. Leave `boundaries` out to use the store's, or use a new file"
        )


class NoTransaction(InvalidInput):
    """``ctx.transaction()`` was entered where there can be none."""


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
    """The database can't be used.

    Attributes:
        is_final: no later try of this process can mend it. A worker ends by it, and an App that met it must be
            closed, and opened again.
    """

    is_final: ClassVar[bool] = False


class NotAStore(StoreError):
    """The file is no jobledger store."""


class NetworkFileSystem(StoreError):
    """The file lies, or would lie, on a file system that several machines can have at once; nothing was created.

    Attributes:
        kind: its type, as the system calls it.
    """

    def __init__(self, path: object, kind: str) -> None:
        """Name the file and the type of its file system."""
        self.kind = kind
        super().__init__(
            f"{path} is on a network file system ({kind}): the write-ahead log needs memory that all processes share, "
            "and locks don't hold there. Put the store on a local disk; if really only one machine ever opens it, "
            "add ?filesystem=any to the URL"
        )


class SchemaTooNew(StoreError):
    """The store was written, or has just been migrated, by a newer jobledger."""

    is_final = True


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


class StoreUnreachable(StoreError):
    """The database server can't be reached, or has ended the connection; it is tried again by itself."""


class StoreFull(StoreError):
    """There is no space for what is to be written, or a limit on the size of files is reached; nothing was changed."""


class DiskFailed(StoreError):
    """The disk failed while a commit was synced.

    What was written may be lost, or come to light after a restart, and a second sync would say nothing of it. So the
    process that saw it must write no more.
    """

    is_final = True


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
    """Handlers that had to stop were still running: at the end of the grace time, or after others had their jobs.

    Their jobs were not released.

    Attributes:
        job_ids: the jobs whose code still runs. They are taken over once this process has ended.
    """

    def __init__(self, job_ids: Sequence[str]) -> None:
        """Name the jobs whose code still runs."""
        self.job_ids = tuple(job_ids)
        shown = ", ".join(self.job_ids[:3])
        more = ", …" if len(self.job_ids) > 3 else ""  # noqa: PLR2004 - as many as are shown
        what = f"{len(self.job_ids)} handler(s) did not stop in time ({shown}{more})"
        super().__init__(
            f"{what if job_ids else 'a batch was not answered in time'}: "
            "end this process, and another worker takes its jobs over"
        )


class NotOpen(JobledgerError):
    """The App was used before it was opened, or after it was closed."""


class AttemptStopped(JobledgerError):
    """Raised by ``ctx.check()``: this attempt should end now."""


class AttemptCancelled(AttemptStopped):
    """The job was cancelled while this attempt ran."""


class AttemptTimedOut(AttemptStopped):
    """This attempt ran longer than its timeout."""


def _shown(boundaries: tuple[float, ...]) -> str:
    return ", ".join(f"{boundary:.15g}" for boundary in boundaries)
