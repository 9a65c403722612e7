"""The run: submit everything, cancel some of it, let two workers work it off, kill one, replay one dead letter."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger import Cancelled, Status
from jobledger.cli.demo.answers import Answers, Heard
from jobledger.cli.demo.crew import Crew, Strength
from jobledger.cli.demo.figures import Figures, Pace
from jobledger.cli.demo.files import repair
from jobledger.cli.demo.handlers import MEASURE, WATCH, app, watch
from jobledger.cli.demo.sightings import Sightings
from jobledger.cli.demo.strike import Kill, strike
from jobledger.errors import JobEnded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jobledger import JobId
    from jobledger.cli.demo.live import Live
    from jobledger.cli.demo.plan import Plan

WORKERS: Final = 2
KILL_AFTER: Final = 3
"""One worker is killed when one job out of so many has ended."""
_CHUNK: Final = 5_000
_LOOK_SECONDS: Final = 0.1
_WATCHED_PERCENT: Final = 1.0
_PATIENCE: Final = 30.0


class Course(msgspec.Struct):
    """What was done, in the words of the answers.

    Attributes:
        exit_codes: how the process of each worker ended, in the order of their start.
    """

    seen: Sightings
    answers: Answers
    ids: list[JobId] = []
    submit_seconds: float = 0.0
    work_seconds: float = 0.0
    watch_id: str = ""
    asked: str = ""
    came_to: str = ""
    replayed: str = ""
    discarded: str = ""
    kill: Kill | None = None
    exit_codes: dict[int, int | None] = {}

    @property
    def died(self) -> frozenset[int]:
        """The processes of workers that did not end in order: the killed one, and any that fell by itself."""
        return frozenset(pid for pid, code in self.exit_codes.items() if code)


async def play(plan: Plan, live: Live, slots: int, seen: Path) -> Course:
    """Run the whole piece on the App of the handlers; its database is new.

    Args:
        plan: what is done with each file.
        live: where it is shown.
        slots: jobs at once in each worker.
        seen: the file of the witnesses; it is new as well.

    Raises:
        JobledgerError: all workers have ended too early.
    """
    course = Course(Sightings(seen), Answers())
    async with app:
        await _submit(plan, course)
        await _cancel(plan.cancelled, course)
        live.say(f"{len(plan.cancelled)} jobs cancelled before any worker was alive")
        async with Crew(app.url, seen, slots, live.say) as crew:
            for _ in range(WORKERS):
                live.say(f"worker {(await crew.start()).pid} started")
            await asyncio.gather(_overtake(plan, course, crew), _cancel_in_flight(course), _follow(course, crew, live))
            await _bury_and_revive(plan, course)
            await crew.ready()  # so that the last one stops in order, too
    course.seen.look()
    course.exit_codes = {worker.pid: worker.code for worker in crew.workers}
    return course


async def _submit(plan: Plan, course: Course) -> None:
    began = time.perf_counter()
    items = [plan.item(index) for index in range(len(plan.files))]
    for start in range(0, len(items), _CHUNK):
        course.ids += await app.jobs.submit(MEASURE, items[start : start + _CHUNK])
    for index in sorted(plan.doubled):
        again = plan.item(index)
        course.ids.append(await app.jobs.submit(MEASURE, again.payload, entity=again.entity, dedupe=again.dedupe))
    for job_id in course.ids:
        course.answers.hear(MEASURE, Heard.ACCEPTED if job_id.created else Heard.DUPLICATE)
    course.watch_id = await watch.submit(root=str(plan.root))
    course.answers.hear(WATCH, Heard.ACCEPTED)
    course.submit_seconds = time.perf_counter() - began


async def _cancel(indices: Iterable[int], course: Course) -> None:
    for index in sorted(indices):
        if await app.jobs.cancel(course.ids[index]) == Cancelled():
            course.answers.hear(MEASURE, Heard.CANCELLED)


async def _overtake(plan: Plan, course: Course, crew: Crew) -> None:
    """As soon as the first worker is at work."""
    await crew.workers[0].ready.wait()
    await _cancel(plan.overtaken, course)


async def _cancel_in_flight(course: Course) -> None:
    """Let the long job run for a moment, then ask it to stop, and wait for what comes of it."""
    async with aclosing(app.jobs.progress(course.watch_id)) as reports:
        async for progress in reports:
            if progress.percent > _WATCHED_PERCENT:
                break
    course.asked = type(await app.jobs.cancel(course.watch_id)).__name__
    try:
        await app.jobs.result(course.watch_id, wait=_PATIENCE)
    except JobEnded as ended:
        course.came_to = ended.status


async def _follow(course: Course, crew: Crew, live: Live) -> None:
    """Show the books until every file's job has ended, and kill a worker on the way."""
    pace = Pace()
    while True:
        crew.check()
        figures = Figures.of(await app.metrics.snapshot(), MEASURE)
        course.seen.look()
        live.show(figures, pace.of(figures.ended), _strengths(course, crew))
        if not figures.open:
            course.work_seconds = pace.elapsed
            return
        if course.kill is None and figures.ended * KILL_AFTER >= figures.ended + figures.open:
            course.kill = await strike(crew, course.seen, figures.ended)
            _tell(course.kill, live)
        await asyncio.sleep(_LOOK_SECONDS)


def _tell(kill: Kill | None, live: Live) -> None:
    if kill is not None:
        live.say(f"kill -9 {kill.pid}: a third of the jobs have ended; worker {kill.replacement} started instead")


def _strengths(course: Course, crew: Crew) -> tuple[Strength, ...]:
    return tuple(
        Strength(
            one.pid, 0 if one.killed else len(course.seen.running(one.pid)), course.seen.ended(one.pid), one.killed
        )
        for one in crew.workers
    )


async def _bury_and_revive(plan: Plan, course: Course) -> None:
    """One dead letter is repaired and replayed, another one is discarded."""
    repaired = course.ids[plan.repairable]
    repair(plan.files[plan.repairable])
    await app.jobs.replay(repaired)
    course.answers.hear(MEASURE, Heard.REPLAYED)
    await app.jobs.result(repaired, wait=_PATIENCE)
    course.replayed = repaired
    page = await app.jobs.list(status=Status.FAILED, type=MEASURE, limit=1)
    for letter in page.jobs:
        await app.jobs.discard(letter.id)
        course.answers.hear(MEASURE, Heard.DISCARDED)
        course.discarded = letter.id
