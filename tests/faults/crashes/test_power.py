"""The power goes at any moment: with `durability=power` all that was answered is there, and nothing is half done.

With `durability=process` the last commits may be missing, from the last one backwards. What is tried is the real store
on real files; see `power.py` for what a cut leaves of them.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from jobledger import App
from jobledger._clock import SystemClock
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import DiskFailed, OutcomeUnknown
from tests.faults.chaos.finding import Finding, told
from tests.faults.crashes import books
from tests.faults.crashes.breakages import BREAKAGES
from tests.faults.crashes.notes import Accepted, Kept, Line
from tests.faults.crashes.power import cut, lines_of
from tests.faults.crashes.recorder import Created, Dropped, Event, Recorder, Synced
from tests.faults.crashes.story import Story
from tests.faults.crashes.verdict import DAMAGE, LOST, judge
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

TIMES = int(os.environ.get("JOBLEDGER_TEST_EXAMPLES", "1"))
"""So many times as many cuts as the default run has time for."""
CUTS = 200 * TIMES
DRAINED = 10 * TIMES
BROKEN = 60
ENOUGH = 2_000
"""Cuts in which a fault must be found at last; most take a few."""


class Life(NamedTuple):
    """What a store did to its disk, and what the disk had at the end."""

    events: list[Event]
    files: dict[str, bytes]


@contextmanager
def recording() -> Generator[Recorder]:
    recorder = Recorder()
    try:
        yield recorder
    finally:
        recorder.unregister()


def lived(folder: Path, durability: str) -> Life:
    """The story, told once."""
    path = folder / "jobs.db"
    with recording() as recorder:
        asyncio.run(Story(App(f"sqlite:///{path}?durability={durability}"), recorder).tell())
    files = {one.name: one.read_bytes() for one in folder.iterdir() if one.name != "jobs.db-lock"}
    SqliteFile(path).forget()
    return Life(recorder.events, files)


@pytest.fixture(scope="module")
def power(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return lived(tmp_path_factory.mktemp("power"), "power")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return lived(tmp_path_factory.mktemp("process"), "process")


class Cut(NamedTuple):
    """A power cut behind one of the events, and what is left."""

    path: Path
    events: Sequence[Event]

    @property
    def lines(self) -> list[Line]:
        return lines_of(self.events)

    def findings(self, *, all_of_it: bool = True) -> list[Finding]:
        try:
            return judge(self.lines, books.read(self.path), power=all_of_it)
        except Exception as error:  # noqa: BLE001 - a file that is damaged may say anything
            return [Finding(DAMAGE, repr(error))]


def cuts(life: Life, folder: Path, many: int) -> Iterator[tuple[str, Cut]]:
    """Power cuts at random; each with the seed that makes it again."""
    for _ in range(many):
        seed = str(random.getrandbits(40))
        chance = random.Random(seed)
        place = folder / seed
        place.mkdir()
        events = life.events[: chance.randrange(len(life.events)) + 1]
        cut(events, place, chance)
        yield seed, Cut(place / "jobs.db", events)
        SqliteFile(place / "jobs.db").forget()
        shutil.rmtree(place)


def test_what_is_cut_is_what_the_disk_has(power: Life, tmp_path: Path) -> None:
    """If nothing is lost of it."""
    cut(power.events, tmp_path, None)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == power.files


@pytest.mark.parametrize("part", range(2))
def test_all_that_was_answered_is_there(power: Life, part: int, tmp_path: Path) -> None:
    for seed, left in cuts(power, tmp_path, CUTS):
        assert not told(left.findings()), seed


async def test_work_goes_on(power: Life, tmp_path: Path) -> None:
    """After the cut a new process takes over, runs what is left, and the books balance."""
    for seed, left in cuts(power, tmp_path, DRAINED):
        later = Kept()
        await books.drain(left.path, later)
        findings = judge([*left.lines, *later.all], books.read(left.path), drained=True)
        assert not told(findings), seed


def test_a_weaker_promise_is_kept_too(process: Life, tmp_path: Path) -> None:
    """What is there is whole; what is missing came last, and after the log was last synced."""
    missed = 0
    for seed, left in cuts(process, tmp_path, CUTS):
        assert not told(left.findings(all_of_it=False)), seed
        there = books.read(left.path)
        kept = [there is not None and job_id in there.records for job_id in answered(left.events)]
        assert kept == sorted(kept, reverse=True), seed
        assert all(kept[: len(answered(left.events[: last_sync(left.events)]))]), seed
        missed += not all(kept)
    assert missed > CUTS // 4, "no promise was needed"


def answered(events: Sequence[Event]) -> list[str]:
    """The jobs that were acknowledged, in that order."""
    return [job for line in lines_of(events) if isinstance(line, Accepted) for job in line.jobs]


def last_sync(events: Sequence[Event]) -> int:
    """Where the log was last synced."""
    logs = {event.file for event in events if isinstance(event, Created) and event.name.endswith("-wal")}
    return max((at for at, event in enumerate(events) if isinstance(event, Synced) and event.file in logs), default=0)


def test_without_a_sync_a_cut_loses_jobs(process: Life, tmp_path: Path) -> None:
    """So the checks above can fail."""
    assert any(LOST in broken_by(left) for _, left in cuts(process, tmp_path, ENOUGH))


def test_without_any_sync_a_cut_damages_the_file(tmp_path: Path) -> None:
    (tmp_path / "off").mkdir()
    life = lived(tmp_path / "off", "off")
    assert any(DAMAGE in broken_by(left, all_of_it=False) for _, left in cuts(life, tmp_path, ENOUGH))


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_what_is_broken_in_the_store_is_found(breakage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken").mkdir()
    BREAKAGES[breakage].build_in(monkeypatch.setattr)
    life = lived(tmp_path / "broken", "power")
    monkeypatch.undo()
    assert any(BREAKAGES[breakage].found_by in broken_by(left) for _, left in cuts(life, tmp_path, ENOUGH))


def broken_by(left: Cut, *, all_of_it: bool = True) -> set[str]:
    """The rules that do not hold after a cut."""
    return {one.rule for one in left.findings(all_of_it=all_of_it)}


async def test_after_a_failed_sync_nothing_is_written(tmp_path: Path) -> None:
    """Not when the store is closed, either."""
    with recording() as recorder:
        async with App(f"sqlite:///{tmp_path}/jobs.db") as app:
            await app.declare("work")
            await app.jobs.submit("work")
            recorder.fails.append("-wal")
            with pytest.raises(OutcomeUnknown):
                await app.jobs.submit("work")
    failed = next(at for at, event in enumerate(recorder.events) if isinstance(event, Dropped))
    assert recorder.events[failed + 1 :] == []


def test_after_a_failed_sync_nothing_is_written_by_upkeep_either(tmp_path: Path) -> None:
    """Several loops of a worker write; the others must not go on because it was not theirs that failed."""
    with recording() as recorder, closing(SqliteStore(tmp_path / "jobs.db", SystemClock().now)) as store:
        store.sample(None)
        recorder.fails.append("-wal")
        for _ in range(3):
            with pytest.raises(DiskFailed):
                store.prune(0, 1)
            with pytest.raises(DiskFailed):
                store.sample(None)
        assert len(store.types()) == 0
    failed = next(at for at, event in enumerate(recorder.events) if isinstance(event, Dropped))
    assert recorder.events[failed + 1 :] == []


async def test_what_a_failed_sync_has_left_in_memory(tmp_path: Path) -> None:
    """The next process finds a commit in the log that is in memory only, and no sync will write it any more.

    What is answered on top of it must not need it.
    """
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with recording() as recorder:
        async with App(f"sqlite:///{first}/jobs.db") as dying:
            await dying.declare("work")
            recorder.write(Accepted(1, (str(await dying.jobs.submit("work", {"n": 1, "item": 0})),)))
            recorder.fails.append("-wal")
            with pytest.raises(OutcomeUnknown):
                await dying.jobs.submit("work", {"n": 2, "item": 0})
            for name in ("jobs.db", "jobs.db-wal"):  # as if it were killed now: its memory is gone, the system's is not
                shutil.copy(first / name, second / name)
            async with App(f"sqlite:///{second}/jobs.db") as app:
                recorder.write(Accepted(3, (str(await app.jobs.submit("work", {"n": 3, "item": 0})),)))
                events = [*recorder.events]
    for seed in range(BROKEN):
        place = tmp_path / str(seed)
        place.mkdir()
        cut(events, place, random.Random(seed))
        there = books.read(place / "jobs.db")
        assert there is not None
        assert set(answered(events)) <= set(there.records), seed
        assert there.audit.balanced
        assert not there.damage
        SqliteFile(place / "jobs.db").forget()
