"""A worker that pays, and is killed at one statement of its transaction; one process after the other.

For each line that it reads, ``NUMBER before`` or ``NUMBER sent``, a child works until it comes to that statement: it
kills itself before sending it, or as soon as it has been sent. What became of the child is printed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from itertools import count
from typing import Any

from asyncpg.protocol import Protocol

from jobledger._store.postgres.session import Session
from tests.postgres.payments import paying

_METHODS = ("query", "prepare", "bind_execute", "execute", "bind_execute_many", "close_statement")


def kill_at(number: int, when: str) -> None:
    """Count what is sent to the server on the handler's connection."""
    numbers = count(1)
    handlers: list[object] = []
    really_connect = Session._connect

    async def connect(session: Session) -> Any:
        connection = await really_connect(session)
        if session._what == "handler":
            handlers.append(connection._protocol)  # type: ignore[attr-defined]
        return connection

    setattr(Session, "_connect", connect)  # noqa: B010 - a method that is watched

    def watched(really: Any) -> Any:
        async def send(protocol: Any, *args: Any, **options: Any) -> Any:
            asked = really(protocol, *args, **options)
            if protocol not in handlers or next(numbers) != number:
                return await asked
            if when == "sent":
                asked.send(None)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError

        return send

    for name in _METHODS:
        setattr(Protocol, name, watched(getattr(Protocol, name)))


async def work(url: str, job_id: str) -> None:
    app = paying(url)
    async with app.worker(slots=1):
        await app.jobs.result(job_id, wait=20)


def main() -> None:
    url = sys.argv[1]
    for line in sys.stdin:
        number, when, job_id = line.split()
        child = os.fork()
        if child == 0:
            kill_at(int(number), when)
            asyncio.run(work(url, job_id))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
