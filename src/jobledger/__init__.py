"""Durable background jobs with books that balance."""

from jobledger._core.job import Status
from jobledger._core.outcome import Cancel, Done, Fail, Retry
from jobledger._core.priority import Priority
from jobledger._core.report import AlreadyEnded, Cancelled, JobReport, Requested
from jobledger._runtime.context import Context
from jobledger._runtime.current import JobFilter
from jobledger._store.building import Item
from jobledger._telemetry.settings import Telemetry
from jobledger._types import JobId
from jobledger.app import App
from jobledger.errors import JobledgerError

__all__ = [
    "AlreadyEnded",
    "App",
    "Cancel",
    "Cancelled",
    "Context",
    "Done",
    "Fail",
    "Item",
    "JobFilter",
    "JobId",
    "JobReport",
    "JobledgerError",
    "Priority",
    "Requested",
    "Retry",
    "Status",
    "Telemetry",
]
