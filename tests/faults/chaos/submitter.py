"""The caller of a run: submits the plan, cancels, replays and discards, and writes down what it is answered."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from contextlib import AsyncExitStack
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from jobledger import AlreadyEnded, App, Item
from jobledger.errors import CommitUnknown, JobledgerError, NotDead, OutcomeUnknown, StoreError
from tests.faults.chaos import settings as parameters
from tests.faults.chaos.handlers import register
from tests.faults.chaos.journal import Journal
from tests.faults.chaos.lines import Accepted, Answered, Asked, Meant, Refused
from tests.faults.chaos.pause import pause
from tests.faults.chaos.plan import Ticket, plan
from tests.faults.chaos.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

CALLERS = 24
"""Submits at once: they share commits, as they would in a web process."""
BURY_SECONDS = 0.5

log = logging.getLogger("chaos.submitter")


class Submitter:
    """Works a plan off, from a ticket on."""

    def __init__(self, app: App, settings: parameters.Settings, first: int) -> None:
        self._app = app
        self._settings = settings
        self._journal = Journal(settings.answers_path)
        self._tickets = dropwhile(
            lambda one: one.number < first, plan(settings.seed, settings.jobs, poisoned=settings.poisoned)
        )
        self._chance = random.Random(f"{settings.seed}:{first}:submitter")
        self._sent = 0
        self._cancels: set[asyncio.Task[None]] = set()
        self._buried: set[str] = set()

    async def work(self) -> None:
        """Until the plan is done."""
        burying = asyncio.ensure_future(self._bury())
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(self._call(began, self._tickets) for _ in range(CALLERS)))
        while self._cancels:
            await asyncio.wait(self._cancels)
        burying.cancel()
        await asyncio.wait([burying])

    async def _call(self, began: float, tickets: Iterator[Ticket]) -> None:
        for ticket in tickets:
            self._sent += ticket.size
            ahead = self._sent / self._settings.rate - (asyncio.get_running_loop().time() - began)
            if ahead > 0:
                await pause(ahead)
            await self._submit(ticket)

    async def _submit(self, ticket: Ticket) -> None:
        self._journal.write(Meant(ticket.number))
        try:
            jobs = await self._send(ticket)
        except (OutcomeUnknown, CommitUnknown):
            log.warning("ticket %d: nobody knows", ticket.number)
        except StoreError as error:
            self._journal.write(Refused(ticket.number, str(error)))
        else:
            created = tuple(job.created for job in jobs)
            self._journal.write(Accepted(ticket.number, tuple(map(str, jobs)), created))
            if ticket.cancel_after is not None and all(created):
                doing = asyncio.ensure_future(self._cancel(str(jobs[0]), ticket.cancel_after))
                self._cancels.add(doing)
                doing.add_done_callback(self._cancels.discard)

    async def _send(self, ticket: Ticket) -> list[Any]:
        submit = self._app.jobs.submit
        if len(ticket.payloads) == 1:
            return [await submit(ticket.type, ticket.payloads[0], **ticket.options)]
        items = [Item(one, entity=entity) for one, entity in zip(ticket.payloads, ticket.entities, strict=True)]
        return await submit(ticket.type, items, **ticket.options)

    async def _cancel(self, job: str, after: float) -> None:
        await pause(after)

        async def cancel() -> str:
            answer = await self._app.jobs.cancel(job)
            return answer.status if isinstance(answer, AlreadyEnded) else type(answer).__name__.lower()

        await self._ask("cancel", job, cancel)

    async def _bury(self) -> None:
        """Of the dead letters, now and then one is replayed and one discarded."""
        while True:
            await pause(BURY_SECONDS)
            try:
                page = await self._app.jobs.list(status="failed", limit=100)
            except StoreError as error:
                log.warning("nobody is buried now: %s", error)
                continue
            left = [job.id for job in page.jobs if job.id not in self._buried]
            for verb, job in zip(("replay", "discard"), self._chance.sample(left, min(2, len(left))), strict=False):
                self._buried.add(job)
                await self._ask(verb, job, self._burying(verb, job))

    def _burying(self, verb: str, job: str) -> Callable[[], Awaitable[str]]:
        async def bury() -> str:
            try:
                await (self._app.jobs.replay(job) if verb == "replay" else self._app.jobs.discard(job))
            except NotDead as error:
                return str(error.status)
            return "done"

        return bury

    async def _ask(self, verb: str, job: str, ask: Callable[[], Awaitable[str]]) -> None:
        self._journal.write(Asked(verb, job))
        try:
            answer = await ask()
        except JobledgerError as error:
            log.warning("%s of %s: %s", verb, job, error)
        else:
            self._journal.write(Answered(verb, job, answer))


async def main(settings: parameters.Settings, first: int) -> None:
    app = App(settings.way(-1))
    register(app, Witness(Journal(settings.attempts_path)))
    async with AsyncExitStack() as exits:
        await _opened(app, exits)
        await Submitter(app, settings, first).work()


async def _opened(app: App, exits: AsyncExitStack) -> None:
    while True:
        try:
            await exits.enter_async_context(app)
        except StoreError as error:  # whoever runs it would start it again
            log.warning("not yet: %s", error)
            await pause(BURY_SECONDS)
        else:
            return


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    asyncio.run(main(parameters.read(sys.argv[1]), int(sys.argv[2])))
