"""The same demo on PostgreSQL: on a server of its own, or in a schema of somebody's."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from jobledger import App
from jobledger._store.postgres.migrate import version_of
from jobledger._store.postgres.target import Target
from jobledger.cli.demo.server import SCHEMA, on_own_server, on_server
from jobledger.errors import NotAStore, StoreBusy, StoreUnreachable
from tests.demo.commands import jobledger

if TYPE_CHECKING:
    from pathlib import Path

    from jobledger.cli.demo.stage import Stage

MEASURE = "stdlib.measure"


@pytest.mark.timeout(120)
def test_it_runs_and_stays(postgres_database: str, tmp_path: Path) -> None:
    """Two workers, one of them killed; nothing is lost, and the books say what was seen."""
    ran = jobledger("demo", "--limit", "100", "--url", postgres_database, "--json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    report = json.loads(ran.stdout)
    assert report["audit"]["balanced"]
    assert report["counters_equal_ground_truth"]
    assert report["takeover"]["killed"] != report["takeover"]["replacement"]
    assert all(one["done_again"] is not None for one in report["takeover"]["lost"])
    assert (report["mailboxes"]["overlaps"], report["mailboxes"]["out_of_order"]) == (0, 0)
    store = f"{postgres_database}?schema={SCHEMA}"
    assert report["database"] == Target.of(store).name
    audited = jobledger("audit", "--url", store, "--json", cwd=tmp_path)
    assert json.loads(audited.stdout)["balanced"]


async def test_a_server_of_its_own_ends_with_it(tmp_path: Path) -> None:
    async with on_own_server(tmp_path / "demo.db") as stage:
        assert await asyncio.to_thread(version_of, Target.of(stage.url)) is not None
        assert not stage.stays
        assert stage.inputs.is_dir()
        assert stage.name.startswith("PostgreSQL ")
    with pytest.raises(StoreUnreachable):
        await asyncio.to_thread(version_of, Target.of(stage.url))


async def test_an_older_one_of_the_demo_is_replaced(postgres_database: str, tmp_path: Path) -> None:
    first = await on_server(postgres_database, tmp_path / "demo.db")
    await _declare(first, MEASURE)
    second = await on_server(postgres_database, tmp_path / "demo.db")
    async with App(second.url, read_only=True) as app:
        assert (await app.metrics.snapshot()).types == ()


async def test_nobody_elses_is(postgres_database: str, tmp_path: Path) -> None:
    stage = await on_server(f"{postgres_database}?schema=shop", tmp_path / "demo.db")
    assert Target.of(stage.url).schema == '"shop"'
    await _declare(stage, MEASURE, "email.send")
    with pytest.raises(NotAStore, match=r"not the demo's \(email\.send\), so it stays"):
        await on_server(stage.url, tmp_path / "demo.db")


async def test_nor_one_that_is_at_work(postgres_database: str, tmp_path: Path) -> None:
    stage = await on_server(postgres_database, tmp_path / "demo.db")
    app = App(stage.url)

    @app.job(MEASURE)
    async def measure() -> None:
        pass

    async with app.worker():
        with pytest.raises(StoreBusy, match="a worker still works on"):
            await on_server(postgres_database, tmp_path / "demo.db")


@pytest.mark.parametrize("words", [("--url", "sqlite:///a.db"), ("--postgres", "--url", "postgresql://me@h/d")])
def test_what_does_not_go_together(words: tuple[str, ...], tmp_path: Path) -> None:
    ran = jobledger("demo", *words, cwd=tmp_path)
    assert ran.returncode == 2
    assert "a file is named with --db" in ran.stderr


async def _declare(stage: Stage, *names: str) -> None:
    async with App(stage.url) as app:
        for name in names:
            await app.declare(name)
