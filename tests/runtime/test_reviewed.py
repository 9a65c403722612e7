"""Faults that a reader of the code once found, each with the story that showed it."""

import asyncio
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jobledger import App
from jobledger._core.commands import Cancel, Report, SubmitAll
from jobledger._core.job import Status
from jobledger._core.priority import Stride
from jobledger._store.contract import Batch, Claim, Declaration, Enlistment, Group
from jobledger._store.entry import Entry
from jobledger._store.sqlite.clock import StoreClock
from jobledger._store.sqlite.lockfile import lock_file
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import InvalidOption, InvalidPayload, StoreError
from tests.desk import Desk
from tests.waiting import until

HOUR = 3_600_000_000


def entry(command: object) -> Entry:
    return Entry(command, lambda _: None)  # type: ignore[arg-type]


async def test_commands_do_not_wait_for_ever_behind_settlements(app: App) -> None:
    """However many settlements there are, half of each batch is left to commands, and a whole batch gets its turn."""
    async with app:
        door = app._opened_door()
        door._settlements.extend(entry(Report("j", 1, 1, 1, 0.0, "")) for _ in range(2_000))
        door._commands.extend([entry(Cancel("a")), entry(SubmitAll(())), entry(Cancel("b"))])
        kinds = [[type(one.command) for one in door._gather()] for _ in range(3)]
        door._settlements.clear()
        door._commands.clear()
    assert Cancel in kinds[0]
    assert kinds[1] == [SubmitAll]
    assert Cancel in kinds[2]


async def test_the_next_of_an_entity_starts_after_a_takeover_that_only_buries(
    new_app: Callable[[], App], store_path: Path
) -> None:
    app, client = new_app(), new_app()
    ran = asyncio.Event()

    @app.job("work", max_losses=1)
    async def work() -> None:
        ran.set()

    async with client, app.worker(slots=1):
        pass
    async with client:
        ids = await client.jobs.submit("work", [{}, {}], entity="e")
        store = SqliteStore(store_path, app._clock.now, "off")
        dead = store.enlist(Enlistment("worker", "elsewhere", os.getpid(), 1, (1,), lease=100_000))
        store.commit(Batch(dead, 1, (), Claim((Group((1,), 1, Stride()),))))
        async with app.worker(lease=0.2):
            await until(ran.is_set, "the job behind the dead letter has run")
        store.close()
        assert (await client.jobs.status(ids[0])).status is Status.FAILED


async def test_a_relative_path_outlives_a_change_of_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    app = App("sqlite:///here.db?durability=off")
    async with app:
        await app.declare("work")
        await app.jobs.submit("work")
        monkeypatch.chdir(tmp_path / "elsewhere")
        await app.jobs.submit("work")
        assert app._opened_door().store.take_over() == ()
        assert (await app.metrics.audit()).balanced
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_enlistment_that_failed_leaves_no_life_behind(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(store_path, lambda: 1, "off")
    store.declare((Declaration("work", "work"),), 10)

    def full(_: object) -> None:
        raise StoreError("full")

    with monkeypatch.context() as broken:
        broken.setattr(store, "_end", full)
        with pytest.raises(StoreError):
            store.enlist(Enlistment("client", "here", os.getpid()))
    assert lock_file(store.path)._lives == set()
    store._open().execute("ROLLBACK")
    store.close()


def test_many_folds_overflow_nothing(store_path: Path) -> None:
    """A low word of users' cells is carried when it is folded, as when it is counted."""
    store = Desk(store_path, (Declaration("work", "work"),)).store
    word = 10**15
    for _ in range(3):
        writer = store.enlist(Enlistment("client", "here", os.getpid()))
        store._open().execute(
            "INSERT INTO user_series VALUES (1000, 'b_total', 'counter', '[]', '') ON CONFLICT DO NOTHING"
        )
        store._open().execute("INSERT INTO ledger VALUES (?, 1000, 0, -1, 0, ?)", (writer, word - 1))
        store.retire(writer)
    low = store._open().execute("SELECT value FROM ledger WHERE writer_id = 0 AND number = 1000").get
    assert low < word
    assert sum(value for cell, value in store.ledger().cells.items() if cell.number == 1000) == 3 * (word - 1)


def test_a_clock_that_jumped_ahead_goes_on_at_half_its_pace() -> None:
    """Standing still would stop every delay for an hour."""
    wall = [HOUR]
    clock = StoreClock(lambda: wall[0])
    assert clock.at(0) == HOUR
    wall[0] = 2 * HOUR
    ahead = clock.at(HOUR)
    wall[0] = HOUR + 1_000
    assert clock.at(ahead) == ahead
    wall[0] += 2_000_000
    assert clock.at(ahead) == ahead + 1_000_000
    wall[0] = 5 * HOUR
    assert clock.at(ahead + 1_000_000) == 5 * HOUR


async def test_a_newer_declaration_reaches_an_open_app(
    new_app: Callable[[], App], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = new_app(), new_app()
    async with client, other:
        await client.declare("work")
        await other.declare("work", priority="high", max_attempts=2)
        client.jobs._learned_at -= 60
        job = await client.jobs.status(await client.jobs.submit("work"))
    assert (job.priority, job.max_attempts) == ("high", 2)


async def test_what_json_can_not_say_is_refused(app: App) -> None:
    async with app:
        await app.declare("work")
        for value in (math.nan, [1, {"deep": math.inf}]):
            with pytest.raises(InvalidPayload, match="NaN"):
                await app.jobs.submit("work", {"value": value, "none": None})
        with pytest.raises(InvalidOption):
            await app.jobs.status("\ud800")
        job_id = await app.jobs.submit("work", {"value": 1.5, "none": None})
        with pytest.raises(InvalidOption):
            await app.jobs.result(job_id, wait=math.nan)


def test_retention_is_checked_and_may_be_for_ever(url: str) -> None:
    App(url, retention=math.inf)
    for wrong in (-1, math.nan):
        with pytest.raises(InvalidOption, match="retention"):
            App(url, retention=wrong)


async def test_a_handler_in_a_thread_can_not_end_the_worker(app: App) -> None:
    @app.job("rude", max_attempts=1)
    def rude() -> None:
        raise KeyboardInterrupt

    async with app.worker():
        job_id = await rude.submit()
        await until(lambda: not app._node or app._node.ended.get("dead_lettered"), "it is a dead letter")
        assert "KeyboardInterrupt" in ((await app.jobs.status(job_id)).error or "")
