"""A million jobs in the queue, or a hundred thousand in one mailbox, take no more memory of a worker than a few."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from jobledger import App
from tests.both_stores import url
from tests.faults.program import started

__all__ = ["url"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3_000),
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]
FEW, QUEUED, IN_A_MAILBOX = 5_000, 1_000_000, 100_000
RUN = 3_000
CHUNK = 10_000
MORE_MIB = 48.0
"""Three connections to a file keep up to 16 MiB of its pages each: those of a small one are fewer."""


async def test_it_does_not_grow_with_the_queue(app: App, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with app:
        await app.declare("work")
        await fill(app, FEW)
        few = await peak(url)
        await fill(app, IN_A_MAILBOX, entity="hot")
        in_a_mailbox = await peak(url)
        await fill(app, QUEUED)
        queued = await peak(url)
        assert await app.metrics.jobs.queue_depth.read(type="work") > QUEUED
    with capsys.disabled():
        told = f"{few:.0f} MiB with {FEW:,} jobs, {in_a_mailbox:.0f} with {IN_A_MAILBOX:,} in a mailbox"
        sys.stdout.write(f"\n{url.partition(':')[0]}: {told}, {queued:.0f} with {QUEUED:,}\n")
    assert max(in_a_mailbox, queued) < few + MORE_MIB


async def fill(app: App, jobs: int, entity: str | None = None) -> None:
    for first in range(0, jobs, CHUNK):
        items = [{"n": n} for n in range(first, min(first + CHUNK, jobs))]
        await app.jobs.submit("work", items, entity=entity)


async def peak(url: str) -> float:
    """Of a worker in a process of its own, in MiB."""
    program = started("tests.faults.programs.bounded", url, RUN, output=subprocess.PIPE)
    said, _ = await asyncio.to_thread(program.communicate)
    assert program.returncode == 0
    return int(said) / 1024
