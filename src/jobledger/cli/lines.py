"""JSON lines from stdin, submitted in chunks, each of them all or nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn, cast

import msgspec

from jobledger._config import MAX_BATCH_BYTES
from jobledger._store.intake import not_an_object
from jobledger.errors import InvalidInput, InvalidPayload, JobledgerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobledger._store.intake import Options
    from jobledger.app import App
    from jobledger.cli.session import Session

CHUNK = 5_000
"""Lines that one transaction takes."""
_CHUNK_BYTES = MAX_BATCH_BYTES // 2


class Chunk:
    """Payloads with the numbers of their lines."""

    def __init__(self) -> None:
        """Empty."""
        self.payloads: list[dict[str, Any]] = []
        self.numbers: list[int] = []
        self.size = 0

    def add(self, number: int, line: bytes) -> None:
        """Take a line.

        Raises:
            InvalidPayload: it is no JSON object.
        """
        try:
            payload: object = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidPayload(f"line {number}: not JSON: {error}") from error
        if not isinstance(payload, dict):
            raise InvalidPayload(f"line {number}: {not_an_object(payload)}")
        self.payloads.append(cast("dict[str, Any]", payload))
        self.numbers.append(number)
        self.size += len(line)

    @property
    def full(self) -> bool:
        """Whether it should be sent."""
        return len(self.payloads) >= CHUNK or self.size >= _CHUNK_BYTES


def chunks(lines: Iterable[bytes]) -> Iterator[Chunk]:
    """Lines as chunks; blank ones are skipped.

    Raises:
        InvalidPayload: a line is no JSON object.
    """
    chunk = Chunk()
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        chunk.add(number, line)
        if chunk.full:
            yield chunk
            chunk = Chunk()
    if chunk.payloads:
        yield chunk


def stream(session: Session, type_name: str, options: Options) -> None:
    """Submit stdin, and say how much of it.

    The main thread reads and waits, so that Ctrl-C ends it at any time.
    """
    chosen = msgspec.structs.asdict(options)
    sent = held = last = 0
    app = session.submitter()
    with app.blocking() as run, session.out.progress("jobs") as bar:
        shown = bar.add_task("submitting", total=None)
        try:
            for chunk in chunks(sys.stdin.buffer):
                try:
                    ids = run(app.jobs.submit(type_name, chunk.payloads, **chosen))
                except JobledgerError as error:
                    _blame(app, type_name, options, chunk, error)
                held += sum(not job_id.created for job_id in ids)
                sent += len(ids)
                last = chunk.numbers[-1]
                bar.update(shown, completed=sent)
        except JobledgerError as error:
            done = f"lines 1 to {last:,} were submitted, the rest was not" if last else "nothing was submitted"
            error.args = (f"{error} ({done})",)
            raise
    _tell(session, sent, held, options)


def _blame(app: App, type_name: str, options: Options, chunk: Chunk, error: JobledgerError) -> NoReturn:
    """Raise the error with the line that it is about; nothing of the chunk was submitted."""
    for number, payload in zip(chunk.numbers, chunk.payloads, strict=True):
        try:
            app.jobs.build(type_name, payload, options)
        except InvalidInput as own:
            own.args = (f"line {number}: {own}",)
            raise own from error
    raise error


def _tell(session: Session, sent: int, held: int, options: Options) -> None:
    out = session.out
    if out.as_json:
        out.data({"submitted": sent - held, "deduplicated": held, "batch": options.batch})
        return
    out.line(f"{sent - held:,} jobs submitted" + (f", {held:,} held by their dedupe key" if held else ""))
