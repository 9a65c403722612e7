"""A handler as the App gives it back: still a plain function, and a typed way to submit it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, Unpack

import msgspec

from jobledger._store.codec import dec_hook
from jobledger._store.intake import Options, SubmitOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._runtime.registry import Registration
    from jobledger._types import JobId

P = ParamSpec("P")
R = TypeVar("R")


class Submitter(Protocol):
    """What a handler needs of the JobService."""

    async def submit_one(
        self, type_name: str, payload: dict[str, object], options: Options, connection: object = None
    ) -> JobId:
        """Submit one job."""
        ...

    async def result(self, job_id: str, *, wait: float | None = None) -> object:
        """A complete job's result."""
        ...


class Submission(Generic[P]):
    """A handler with submit options set; see :meth:`Handler.options`."""

    def __init__(self, name: str, jobs: Submitter, options: Options, connection: object = None) -> None:
        """Made by :meth:`Handler.options`."""
        self._name = name
        self._jobs = jobs
        self._options = options
        self._connection = connection

    async def submit(self, *args: P.args, **kwargs: P.kwargs) -> JobId:
        """Submit a job with these options; takes the handler's own parameters, by name.

        Raises:
            InvalidInput: nothing was submitted.
        """
        return await self._jobs.submit_one(self._name, _by_name(args, kwargs), self._options, self._connection)


class Handler(Generic[P, R]):
    """A registered handler. Calling it calls the function, so unit tests need no store.

    Example:
        >>> job_id = await send.submit(to="a@b.c", template="welcome")  # doctest: +SKIP
        >>> job_id = await send.options(entity="customer:42", delay=60).submit(to="a@b.c")  # doctest: +SKIP
    """

    def __init__(self, function: Callable[..., Any], registration: Registration, jobs: Submitter) -> None:
        """Made by ``@app.job``."""
        self.name = registration.name
        self.function = function
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", registration.name)
        self.__wrapped__ = function
        self._returns = registration.signature.returns
        self._jobs = jobs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - exactly the function
        """Call the function itself; nothing is submitted."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        """Name the type."""
        return f"<Handler {self.name!r}>"

    async def submit(self, *args: P.args, **kwargs: P.kwargs) -> JobId:
        """Submit a job with the type's defaults; takes the handler's own parameters, by name.

        Returns:
            The job's id.

        Raises:
            InvalidInput: nothing was submitted.
        """
        return await self._jobs.submit_one(self.name, _by_name(args, kwargs), Options())

    def options(self, *, connection: object = None, **options: Unpack[SubmitOptions]) -> Submission[P]:
        """The same handler with submit options.

        Args:
            connection: submit in the open transaction of this connection, as :meth:`JobService.submit` does.
            **options: see :class:`SubmitOptions`.

        Raises:
            InvalidOption: there is no such option.
        """
        return Submission(self.name, self._jobs, Options.of(options), connection)

    async def result(self, job_id: str, *, wait: float | None = None) -> R:
        """A job's result, as the handler's return annotation says; waits up to ``wait`` seconds for the end.

        Raises:
            NotFound, NotEnded, JobEnded: there is no result.
        """
        plain = await self._jobs.result(job_id, wait=wait)
        typed: R = msgspec.convert(plain, self._returns, dec_hook=dec_hook, str_keys=True)
        return typed


def _by_name(args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
    if args:
        message = "a job's parameters are given by name: submit(to=…), since its payload is a JSON object"
        raise TypeError(message)
    return kwargs
