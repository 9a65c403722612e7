"""The run: submit everything, cancel some of it, let it be worked off, repair and replay one dead letter."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger import Cancelled, Status
from jobledger.cli.demo.figures import Figures
from jobledger.cli.demo.files import repair
from jobledger.cli.demo.handlers import MEASURE, WATCH, app, parsers, watch, witness
from jobledger.cli.demo.witness import Heard
from jobledger.errors import JobEnded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger import JobId
    from jobledger.cli.demo.live import Live
    from jobledger.cli.demo.plan import Plan

_CHUNK: Final = 5_000
_LOOK_SECONDS: Final = 0.1
_LOOKS: Final = 20
"""A rate is that of so many looks."""
_WATCHED_PERCENT: Final = 1.0
_PATIENCE: Final = 30.0
_GRACE: Final = 2.0


class Course(msgspec.Struct):
    """What was done, in the words of the answers."""

    ids: list[JobId] = []
    submit_seconds: float = 0.0
    work_seconds: float = 0.0
    watch_id: str = ""
    asked: str = ""
    came_to: str = ""
    replayed: str = ""
    discarded: str = ""


async def play(plan: Plan, live: Live, slots: int) -> Course:
    """Run the whole piece on the App of the handlers; its database is new."""
    course = Course()
    try:
        async with app:
            await parsers.warm_up()
            await _submit(plan, course)
            await _cancel(plan.cancelled, course)
            live.say(f"{len(plan.cancelled)} jobs cancelled before any worker was alive")
            async with app.worker(slots=slots, threads=2, grace=_GRACE):
                await asyncio.gather(_cancel(plan.overtaken, course), _cancel_in_flight(course), _follow(course, live))
                await _bury_and_revive(plan, course)
    finally:
        parsers.close()
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
        witness.hear(MEASURE, Heard.ACCEPTED if job_id.created else Heard.DUPLICATE)
    course.watch_id = await watch.submit(root=str(plan.root))
    witness.hear(WATCH, Heard.ACCEPTED)
    course.submit_seconds = time.perf_counter() - began


async def _cancel(indices: Iterable[int], course: Course) -> None:
    for index in sorted(indices):
        if await app.jobs.cancel(course.ids[index]) == Cancelled():
            witness.hear(MEASURE, Heard.CANCELLED)


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


async def _follow(course: Course, live: Live) -> None:
    """Show the books until every file's job has ended."""
    began = time.perf_counter()
    window: deque[tuple[float, int]] = deque(maxlen=_LOOKS)
    while True:
        figures = Figures.of(await app.metrics.snapshot(), MEASURE)
        elapsed = time.perf_counter() - began
        window.append((elapsed, figures.ended))
        (since, before), (now, ended) = window[0], window[-1]
        live.show(figures, (ended - before) / (now - since) if now > since else 0.0)
        if not figures.open:
            course.work_seconds = elapsed
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _bury_and_revive(plan: Plan, course: Course) -> None:
    """One dead letter is repaired and replayed, another one is discarded."""
    repaired = course.ids[plan.repairable]
    repair(plan.files[plan.repairable])
    await app.jobs.replay(repaired)
    witness.hear(MEASURE, Heard.REPLAYED)
    await app.jobs.result(repaired, wait=_PATIENCE)
    course.replayed = repaired
    page = await app.jobs.list(status=Status.FAILED, type=MEASURE, limit=1)
    for letter in page.jobs:
        await app.jobs.discard(letter.id)
        witness.hear(MEASURE, Heard.DISCARDED)
        course.discarded = letter.id
