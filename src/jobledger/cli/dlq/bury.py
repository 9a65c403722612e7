"""``jobledger dlq replay`` and ``dlq discard``: by id, or all of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from jobledger._core.job import Status
from jobledger.cli.each import Answers, tell_each
from jobledger.cli.options import AppOption, JsonOption, UrlOption, YesOption
from jobledger.cli.session import Session, reported
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jobledger.app import App
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
    str | None, typer.Option("--type", metavar="TYPE", help="With --all: only this type.")
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
    session = Session(app, url, as_json=as_json)
    _bury(session, job_ids or [], ("replay", "replayed"), lambda app: app.jobs.replay, every, type_name, yes)


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
    session = Session(app, url, as_json=as_json)
    _bury(session, job_ids or [], ("discard", "discarded"), lambda app: app.jobs.discard, every, type_name, yes)


def _bury(
    session: Session,
    job_ids: list[str],
    words: tuple[str, str],
    verb: Callable[[App], Callable[[str], Awaitable[None]]],
    every: bool,  # noqa: FBT001 - as the commands take it
    type_name: str | None,
    yes: bool,  # noqa: FBT001 - as the commands take it
) -> None:
    with reported(session.out):
        _check(job_ids, every=every, type_name=type_name)

    async def work(app: App) -> int:
        async def one(job_id: str) -> tuple[str, dict[str, Any]]:
            await verb(app)(job_id)
            return words[1], {"answer": words[1]}

        answers = Answers(one)
        if not every:
            await answers.ask(job_ids)
            return tell_each(session.out, answers)
        dead = await _dead(app, type_name)
        if not dead or not (yes or _confirmed(session.out, words[0], len(dead), type_name)):
            return _tell_all(session.out, answers, words[1]) if not dead else _unconfirmed(session.out, words[1])
        with session.out.progress("dead letters") as bar:
            shown = bar.add_task(words[0], total=len(dead))
            await answers.ask(dead, lambda count: bar.advance(shown, count))
        return _tell_all(session.out, answers, words[1])

    session.change(work)


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


def _unconfirmed(out: Output, done: str) -> int:
    out.note(f"nothing was {done}")
    return 1


def _tell_all(out: Output, answers: Answers, done: str) -> int:
    errors = answers.errors
    overtaken = answers.overtaken
    count = len(answers.told) - len(errors)
    if out.as_json:
        out.data({done: count, "overtaken": overtaken, "errors": len(errors) - overtaken})
        return 1 if len(errors) > overtaken else 0
    for error in errors:
        if type(error).__name__ != "NotDead":
            out.error(error)
    out.line(f"{count:,} {done}" + (f", {overtaken:,} were no dead letters any more" if overtaken else ""))
    return 1 if len(errors) > overtaken else 0
