"""``jobledger submit``: one job, a batch, or a stream of lines."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import msgspec
import typer

from jobledger._store.intake import Options, not_an_object
from jobledger._types import JobId
from jobledger.cli.completing import on_duplicates, priorities, types
from jobledger.cli.lines import stream
from jobledger.cli.options import AppOption, JsonOption, UrlOption
from jobledger.cli.outcomes import tell_outcomes
from jobledger.cli.session import Session, reported
from jobledger.errors import InvalidOption, InvalidPayload

if TYPE_CHECKING:
    from jobledger._types import OnDuplicate
    from jobledger.app import App

EPILOG = """\b
Examples:
  jobledger submit email.send '{"to": "a@b.c"}' --entity customer:42
  jobledger submit report.build '{"month": 1}' --delay 3600 --priority low
  jobledger submit report.build - --wait 60 < payload.json
  jobledger submit email.send '[{"to": "a@b.c"}, {"to": "d@e.f"}]'
  zcat rows.jsonl.gz | jobledger submit row.import --lines --batch-id june"""

TypeArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="TYPE", help="The job's type.", show_default=False, autocompletion=types)
]
PayloadArgument: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="JSON", help="An object, {} if left out; a list is a batch; - reads stdin.", show_default=False
    ),
]
PriorityOption: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="critical, high, normal or low; else the type's.", autocompletion=priorities),
]
DuplicateOption: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="return|raise", help="If the key is held: the holder's id, or an error.", autocompletion=on_duplicates
    ),
]


def submit(
    type_name: TypeArgument,
    payload: PayloadArgument = None,
    *,
    entity: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose mailbox: one job at a time, in order.")
    ] = None,
    priority: PriorityOption = None,
    delay: Annotated[float | None, typer.Option(metavar="SECONDS", help="Not before so long from now.")] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="What one attempt may take, at most.")
    ] = None,
    max_attempts: Annotated[
        int | None, typer.Option(metavar="N", help="Failed attempts before it is a dead letter.")
    ] = None,
    dedupe: Annotated[
        str | None, typer.Option(metavar="KEY", help="Only one live job of the type can hold it.")
    ] = None,
    dedupe_for: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Hold the key that long from now.")
    ] = None,
    on_duplicate: DuplicateOption = "return",
    batch_id: Annotated[str | None, typer.Option(metavar="NAME", help="To find these jobs by: list --batch.")] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Read one JSON object a line from stdin, in chunks.")] = False,
    wait: Annotated[float | None, typer.Option(metavar="SECONDS", help="Wait up to so long for the result.")] = None,
    app: AppOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Submit a job, a batch of jobs, or jobs from JSON lines.

    Prints the id of each job. The type must be known to the store: a worker that handles it has started once, or
    --app names an App that does; then the payload is checked against its handler too.

    A list is a batch: all of its jobs are accepted, or none. JSON lines are any number of jobs, in chunks.
    """
    session = Session(app, url, as_json=as_json)
    options = Options(
        entity=entity, priority=priority, delay=delay, timeout=timeout, max_attempts=max_attempts, dedupe=dedupe,
        dedupe_for=dedupe_for, on_duplicate=cast("OnDuplicate", on_duplicate), batch=batch_id,
    )  # fmt: skip
    if lines:
        with reported(session.out):
            _check_lines(payload, wait)
            stream(session, type_name, options)
        return
    with reported(session.out):
        given = _payload(payload)

    async def work(app: App) -> int:
        return await _submit(session, app, type_name, given, options, wait)

    session.submit(work)


async def _submit(
    session: Session, app: App, type_name: str, given: dict[str, Any] | list[Any], options: Options, wait: float | None
) -> int:
    chosen = msgspec.structs.asdict(options)
    submitted = await app.jobs.submit(type_name, given, **chosen)
    ids = [submitted] if isinstance(submitted, JobId) else submitted
    out = session.out
    if not out.as_json:
        for job_id in ids:
            out.line(job_id)
        held = sum(not job_id.created for job_id in ids)
        if not ids:
            out.note("an empty batch: nothing was submitted")
        if held:
            out.note(f"{held} of {len(ids)} not submitted: the dedupe key is held by the job shown")
    if wait is not None:
        return await tell_outcomes(app, out, ids, wait)
    if out.as_json:
        told = [{"id": job_id, "created": job_id.created} for job_id in ids]
        out.data(told[0] if isinstance(given, dict) else {"jobs": told})
    return 0


def _payload(text: str | None) -> dict[str, Any] | list[Any]:
    if text is None:
        return {}
    raw = sys.stdin.buffer.read() if text == "-" else os.fsencode(text)
    try:
        value: object = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPayload(
            f'not JSON: {error}; quote it for the shell, as in \'{{"to": "a@b.c"}}\', or pass - and use stdin'
        ) from error
    if not isinstance(value, dict | list):
        raise not_an_object(value)
    return cast("dict[str, Any] | list[Any]", value)


def _check_lines(payload: str | None, wait: float | None) -> None:
    if payload not in {None, "-"}:
        raise InvalidOption("--lines reads from stdin: leave JSON out")
    if wait is not None:
        raise InvalidOption("--lines does not wait: give --batch-id and ask `jobledger list --batch`")
