"""``jobledger dlq replay`` and ``dlq discard``: by id, or all of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeAlias

import typer

from jobledger._core.job import Status
from jobledger.app import App
from jobledger.cli.completing import types
from jobledger.cli.each import Answers, Told, tell_each
from jobledger.cli.options import AppOption, JsonOption, UrlOption, YesOption
from jobledger.cli.output import described
from jobledger.cli.session import Session, reported
from jobledger.errors import InvalidOption, NotDead

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jobledger.cli.output import Output

REPLAY_EPILOG = """\b
Examples:
  jobledger dlq replay 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11
  jobledger dlq replay --all --type email.send
  jobledger dlq replay --all --yes"""
DISCARD_EPILOG = """\b
Examples:
  jobledger dlq discard 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11
  jobledger dlq discard --all --type email.send"""

JobIds: TypeAlias = Annotated[list[str] | None, typer.Argument(metavar="ID", help="The jobs' ids.", show_default=False)]
AllOption: TypeAlias = Annotated[bool, typer.Option("--all", help="All dead letters, after a question.")]
TypeOption: TypeAlias = Annotated[
    str | None, typer.Option("--type", metavar="TYPE", help="With --all: only this type.", autocompletion=types)
]
_PAGE = 1000


def replay(
    job_ids: JobIds = None,
    *,
    every: AllOption = False,
    type_name: TypeOption = None,
    yes: YesOption = False,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give dead letters a new life.

    Each goes to the end of its mailbox and has all its attempts again; its id and its history stay.
    """
    _bury(_REPLAY, Session(app, url, as_json=as_json), job_ids or [], every=every, type_name=type_name, yes=yes)


def discard(
    job_ids: JobIds = None,
    *,
    every: AllOption = False,
    type_name: TypeOption = None,
    yes: YesOption = False,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """End dead letters for good: they can't be replayed any more."""
    _bury(_DISCARD, Session(app, url, as_json=as_json), job_ids or [], every=every, type_name=type_name, yes=yes)


class _Verb(NamedTuple):
    """What is done with dead letters."""

    word: str
    done: str
    do: Callable[[App, str], Awaitable[None]]

    def answers(self, app: App) -> Answers:
        """Ready to ask."""

        async def one(job_id: str) -> Told:
            await self.do(app, job_id)
            return self.done, {"answer": self.done}

        return Answers(one)


async def _replay(app: App, job_id: str) -> None:
    await app.jobs.replay(job_id)


async def _discard(app: App, job_id: str) -> None:
    await app.jobs.discard(job_id)


_REPLAY: Final = _Verb("replay", "replayed", _replay)
_DISCARD: Final = _Verb("discard", "discarded", _discard)


def _bury(verb: _Verb, session: Session, job_ids: list[str], *, every: bool, type_name: str | None, yes: bool) -> None:
    with reported(session.out):
        _check(job_ids, every=every, type_name=type_name)
    if every:
        _bury_all(verb, session, type_name, yes=yes)
        return

    async def work(app: App) -> int:
        answers = verb.answers(app)
        await answers.ask(job_ids)
        return tell_each(session.out, answers)

    session.change(work)


def _bury_all(verb: _Verb, session: Session, type_name: str | None, *, yes: bool) -> None:
    """The main thread asks and waits, so that Ctrl-C ends it at any time."""
    out = session.out
    with reported(out):
        app = session.client()
        answers = verb.answers(app)
        with app.blocking() as run:
            dead = run(_dead(app, type_name))
            if dead and not (yes or _confirmed(out, verb.word, len(dead), type_name)):
                out.note(f"nothing was {verb.done}")
                raise typer.Exit(1)
            with out.progress("dead letters") as bar:
                shown = bar.add_task(verb.word, total=len(dead))
                run(answers.ask(dead, lambda count: bar.advance(shown, count)))
    _tell_all(out, answers, verb.done)


def _check(job_ids: list[str], *, every: bool, type_name: str | None) -> None:
    if every == bool(job_ids):
        raise InvalidOption("name the jobs by ID, or take --all of them" + (", not both" if every else ""))
    if type_name is not None and not every:
        raise InvalidOption("--type narrows --all: add --all, or leave --type out")


async def _dead(app: App, type_name: str | None) -> list[str]:
    """The ids as they are now: what fails again meanwhile is not taken twice."""
    found: list[str] = []
    after = None
    while True:
        page = await app.jobs.list(status=Status.FAILED, type=type_name, limit=_PAGE, after=after)
        found += [job.id for job in page.jobs]
        after = page.next
        if after is None:
            return found


def _confirmed(out: Output, verb: str, count: int, type_name: str | None) -> bool:
    what = f" of type {type_name}" if type_name else ""
    out.note(f"{verb} {count:,} dead letter{'s' if count > 1 else ''}{what}? [y/N]")
    answer = sys.stdin.readline()
    if not answer:
        raise InvalidOption("nobody is there to answer: add --yes; nothing was changed")
    return answer.strip().lower() in {"y", "yes"}


def _tell_all(out: Output, answers: Answers, done: str) -> None:
    errors = [error for error in answers.errors if not isinstance(error, NotDead)]
    count, overtaken = len(answers.told) - len(answers.errors), len(answers.errors) - len(errors)
    if out.as_json:
        out.data({done: count, "overtaken": overtaken, "errors": list(map(described, errors))})
    else:
        for error in errors:
            out.error(error)
        out.line(f"{count:,} {done}" + (f", {overtaken:,} were no dead letters any more" if overtaken else ""))
    if errors:
        raise typer.Exit(1)
