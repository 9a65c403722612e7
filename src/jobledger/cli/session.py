"""One run of one command: its store, its output, and how its errors end."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import typer

from jobledger.app import App
from jobledger.cli.output import Output
from jobledger.cli.source import load, source_of, url_of
from jobledger.errors import InvalidInput, JobledgerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

Work: TypeAlias = "Callable[[App], Awaitable[int | None]]"
"""What a command does with an opened App; it returns an exit code, None for 0."""


class Session:
    """One run of one command.

    Args:
        target: ``--app``.
        url: ``--url``.
        as_json: ``--json``.

    Attributes:
        out: where the words go.
    """

    def __init__(self, target: str | None, url: str | None, *, as_json: bool) -> None:
        """Nothing is opened yet."""
        self.out = Output(as_json=as_json)
        self._target = target
        self._url = url

    def read(self, work: Work) -> None:
        """Work that only reads: it never creates, migrates or writes a store."""
        with reported(self.out):
            code = asyncio.run(_within(App(self.url, read_only=True), work))
        _leave(code)

    def change(self, work: Work) -> None:
        """Work on jobs that exist, so their store must exist: a mistyped path creates nothing."""
        with reported(self.out):
            code = asyncio.run(_within(self.client(), work))
        _leave(code)

    def submit(self, work: Work) -> None:
        """Work with the App's own handlers, where it is named."""
        with reported(self.out):
            code = asyncio.run(_within(self.submitter(), work))
        _leave(code)

    def submitter(self) -> App:
        """The App that is named, whose store may be new; or a plain client of a store that exists.

        Raises:
            JobledgerError: neither is there.
        """
        return self.client() if self._target is None else load(self._target, self._url)

    def client(self) -> App:
        """A plain client of a store that exists.

        Raises:
            JobledgerError: it doesn't, or it can't be used.
        """
        self.reader()
        return App(self.url)

    def reader(self) -> App:
        """An App that only reads, on a store that was found to be there.

        Raises:
            JobledgerError: it isn't, or it can't be used.
        """
        app = App(self.url, read_only=True)
        asyncio.run(_within(app, _nothing))
        return app

    @property
    def url(self) -> str:
        """The URL that the options name.

        Raises:
            InvalidOption: none of them names one.
        """
        return url_of(self._target, self._url)

    @property
    def source(self) -> str:
        """What names it."""
        return source_of(self._target, self._url)


@contextmanager
def reported(out: Output) -> Generator[None]:
    """Expected errors are told in one line and end the command: 2 for a wrong call, 1 for the rest."""
    try:
        yield
    except JobledgerError as error:
        out.error(error)
        raise typer.Exit(exit_code_of(error)) from error


def exit_code_of(error: JobledgerError) -> int:
    """2 for a wrong call, 1 for the rest."""
    return 2 if isinstance(error, InvalidInput) else 1


def _leave(code: int | None) -> None:
    if code:
        raise typer.Exit(code)


async def _within(app: App, work: Work) -> int | None:
    async with app:
        return await work(app)


async def _nothing(app: App) -> None:
    pass
