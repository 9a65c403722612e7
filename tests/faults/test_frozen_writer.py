"""A process that is stopped inside a write transaction holds everybody up; the error says whom to look for."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobledger import App
from jobledger._store.sqlite import connection
from jobledger.errors import StoreBusy
from tests.faults.chaos.crew import until_stopped
from tests.faults.program import started


@pytest.fixture
def freeze(store_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Stop a process in the midst of a transaction of its own."""
    processes: list[subprocess.Popen[bytes]] = []

    def freeze() -> subprocess.Popen[bytes]:
        process = started("tests.faults.programs.holding_the_lock", store_path, output=subprocess.PIPE, reads=True)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"inside\n"
        process.send_signal(signal.SIGSTOP)
        until_stopped(process.pid)
        return process

    yield freeze
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOCK_SECONDS", 0.3)


async def refused(app: App, process: subprocess.Popen[bytes]) -> None:
    with pytest.raises(StoreBusy, match=rf"process {process.pid} has held the write lock .* is it frozen\?") as caught:
        await app.jobs.submit("work")
    assert caught.value.pid == process.pid


async def test_the_error_names_the_process_and_all_is_well_when_it_goes_on(
    new_app: Callable[[], App], freeze: Callable[[], subprocess.Popen[bytes]]
) -> None:
    async with new_app() as app:
        await app.declare("work")
        frozen = freeze()
        await refused(app, frozen)
        assert await app.metrics.jobs.enqueued.read() == 0  # reading goes on
        frozen.send_signal(signal.SIGCONT)
        frozen.communicate(b"\n", timeout=10)
        assert frozen.returncode == 0
        await app.jobs.submit("work")
        assert await app.metrics.jobs.enqueued.read() == 1


async def test_when_it_is_killed_nothing_of_its_transaction_is_left(
    new_app: Callable[[], App], freeze: Callable[[], subprocess.Popen[bytes]]
) -> None:
    async with new_app() as app:
        await app.declare("work")
        frozen = freeze()
        await refused(app, frozen)
        frozen.kill()
        frozen.wait()
        await app.jobs.submit("work")
        assert await app.metrics.jobs.enqueued.read() == 1
