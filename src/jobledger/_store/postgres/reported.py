"""Errors of the driver and the server become ours, with the cause kept and what to do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from jobledger import errors

if TYPE_CHECKING:
    from collections.abc import Generator

    from jobledger._store.postgres.target import Target

AGAIN: Final = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)
"""Nothing was applied, and the same may work a moment later."""
WAITED: Final = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)
"""Of those: it has been waited for already, and for long."""
LOST: Final = (
    OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError, TimeoutError,
)  # fmt: skip
"""The connection broke; what was on its way may have been applied or not."""
GONE: Final = (
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""The server has ended the connection."""
_MISSING: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedObjectError,
)
_UNFIT: Final = (
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.NumericValueOutOfRangeError,
    asyncpg.StringDataRightTruncationError,
    asyncpg.DatetimeFieldOverflowError,
    asyncpg.InvalidTextRepresentationError,
    asyncpg.InvalidBinaryRepresentationError,
)
"""A value that no column can hold; other data errors are of the statement's own making."""


@contextmanager
def reported(target: Target) -> Generator[None]:
    """Around everything that is asked of the server."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _of_server(target, error) from error
    except asyncpg.ClientConfigurationError as error:
        raise errors.InvalidOption(f"{target.name} can't be used: {_said(error)}") from error
    except LOST as error:
        message = f"{target.name} can't be reached: check that the server runs and the URL is right ({_said(error)})"
        raise errors.StoreUnreachable(message) from error


def _of_server(target: Target, error: asyncpg.PostgresError) -> errors.JobledgerError:
    name, said = target.name, _said(error)
    if error.sqlstate == "JL001":
        return errors.Fenced(0)
    if isinstance(error, AGAIN):
        message = (
            f"{name} is busy: another transaction holds what is needed ({said}). Nothing was changed: try again; "
            "pg_blocking_pids() of the waiting process names the other one"
        )
        return errors.StoreBusy(message)
    if isinstance(error, (*GONE, asyncpg.PostgresConnectionError)):
        return errors.StoreUnreachable(f"{name} has ended the connection ({said}): it is tried again by itself")
    if isinstance(error, asyncpg.TooManyConnectionsError):
        message = f"{name} has no connection left ({said}): raise max_connections, use fewer processes, or a pooler"
        return errors.StoreUnreachable(message)
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return errors.StoreReadOnly(f"{name} only reads (a standby, or default_transaction_read_only): use the primary")
    if isinstance(error, _MISSING):
        message = f"{name} has no jobledger schema of this version ({said}): run `jobledger migrate` first"
        return errors.SchemaTooOld(message)
    if isinstance(error, _UNFIT):
        # No trouble of the store's: waiting would not help, and whoever sent something else must not wait for it.
        return errors.InvalidOption(f"{name} can't hold what was sent ({said}): nothing was changed")
    if isinstance(error, asyncpg.DiskFullError):
        return errors.StoreFull(f"{name} has no space left ({said}): nothing was changed; make room on the server")
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return errors.StoreReadOnly(
            f"the role may not do this in {name} ({said}): docs/postgres.md lists what it needs"
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return errors.NotAStore(f"there is no such database as {name}: create it, or check the URL")
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return errors.StoreError(f"{name} refuses the login ({said}): check user and password in the URL")
    return errors.StoreError(f"{name}: {said}")


def _said(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
