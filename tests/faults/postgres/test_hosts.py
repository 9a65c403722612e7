"""Three hosts, one of which is cut off for half a minute under load: none is lost, none is stuck, the books balance."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobledger import App
from jobledger._core import catalog
from jobledger.testing import postgres as servers
from jobledger.testing.postgres import OwnServer
from tests.faults.chaos.lines import Ended, Started
from tests.faults.postgres.conftest import audited, made, paused
from tests.faults.postgres.hosts import Host, connected
from tests.faults.postgres.load import Load
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes network namespaces"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="ip is missing: apt-get install iproute2"),
]
LEASE = 10.0
CUT_SECONDS = 30.0
BEFORE = 12.0
LONG = 12
AFTER = 10.0


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """Of its own: it listens to others than this machine."""
    with servers.start() as server:
        yield server


@pytest.fixture
def hosts(server: OwnServer, tmp_path: Path) -> Iterator[tuple[str, list[Host]]]:
    with server.database(made) as url:
        with connected(server, url, tmp_path, 3, LEASE) as hosts:
            yield url, hosts
            for host in hosts:
                sys.stdout.write(host.log)
        assert audited(url).findings == 0


async def test_one_of_three_hosts_is_cut_off(hosts: tuple[str, list[Host]], figure: Callable[[str], None]) -> None:
    url, all_hosts = hosts
    victim, *others = all_hosts
    async with App(url) as app, App(url) as client:
        await until(lambda: workers(app, 3), "all three are there", timeout=60)
        long = [await app.jobs.submit("long", {"ticket": 1, "item": n, "ms": 600_000}) for n in range(LONG)]
        async with Load(client, "plain", pause=0.2, ticket=0, ms=500) as load:
            await paused(BEFORE)
            cut, wall = time.monotonic_ns(), time.time()
            victim.cut()
            await paused(CUT_SECONDS)
            healed = time.monotonic_ns()
            victim.heal()
            await until(lambda: has_started_since(victim, healed), "the host works again", timeout=60)
            back = time.monotonic_ns()
            await paused(AFTER)
        await load.settled(app, wait=120)
        for job_id in long:  # those at the other hosts run on
            await app.jobs.cancel(job_id, wait=20)
        await until(lambda: workers(app, 3), "three workers, and no others", timeout=60)
        now = await app.metrics.snapshot()
        assert not any(now.value(gauge) for gauge in (catalog.QUEUE_DEPTH, catalog.SCHEDULED, catalog.RUNNING))
        assert not load.refused
        seen = Seen.of(victim, others, cut)
        lost = [(await lost_at(app, job_id)) - wall for job_id in seen.held]
    took = sorted((line.at - cut) / 1e9 for line in seen.elsewhere)
    figure(
        f"{len(load.acknowledged) + LONG} jobs; {len(seen.held)} were at the host, taken over {min(lost):.1f} to "
        f"{max(lost):.1f} s after the cut, started elsewhere (one at a time) {took[0]:.1f} to {took[-1]:.1f} s after; "
        f"there {seen.stopped} were stopped and {seen.done_twice} had been done "
        f"(done twice, since their completion could not be told); the last code there ended {seen.last_end:.1f} s "
        f"after the cut; it started its next job {(back - healed) / 1e9:.1f} s after it was healed"
    )
    assert seen.held
    assert max(lost) < LEASE + 2
    assert seen.last_end < took[0], "a job ran at two hosts at a time"
    assert now.value(catalog.LOST) == len(seen.elsewhere)


class Seen(NamedTuple):
    """What the handlers' own lines say of the cut.

    Attributes:
        held: jobs whose handlers ran at the host when it was cut off, or began before it knew.
        elsewhere: their next starts.
        stopped: how many of them were stopped there; ``done_twice``: ran to the end there and elsewhere.
        last_end: seconds after the cut when the last of their code there had ended.
    """

    held: set[str]
    elsewhere: list[Started]
    stopped: int
    done_twice: int
    last_end: float

    @classmethod
    def of(cls, victim: Host, others: list[Host], cut: int) -> Seen:
        ended: dict[str, Ended] = {line.job: line for line in victim.lines if isinstance(line, Ended)}
        first = {line.job for line in victim.lines if isinstance(line, Started) and line.run == 1}
        starts: dict[str, list[Started]] = defaultdict(list)
        for line in (line for host in others for line in host.lines):
            if isinstance(line, Started) and line.job in first and line.run > 1:
                starts[line.job].append(line)
        elsewhere = [min(lines, key=lambda line: line.run) for lines in starts.values()]
        told = [ended[job] for job in starts if job in ended]
        outcomes = [line.outcome for line in told]
        last = max((line.at - cut) / 1e9 for line in told)
        return cls(set(starts), elsewhere, outcomes.count("stopped"), outcomes.count("done"), last)


async def lost_at(app: App, job_id: str) -> float:
    """When it was put back, in seconds since 1970."""
    (at,) = [entry.at for entry in (await app.jobs.status(job_id)).history if entry.event == "lost"]
    return at.timestamp()


def has_started_since(host: Host, moment: int) -> bool:
    lines: list[Any] = host.lines
    return any(isinstance(line, Started) and line.at > moment for line in lines)


async def workers(app: App, count: int) -> bool:
    return (await app.metrics.snapshot()).value(catalog.WORKERS) == count
