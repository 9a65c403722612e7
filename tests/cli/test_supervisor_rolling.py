"""SIGHUP: each worker is replaced once its successor is ready; nothing is lost."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from jobledger import App, Item
from tests.cli.crew import Crew, command_crew, scripted_crew
from tests.cli.shell import Shell
from tests.waiting import until

LOAD = Path(__file__).parent / "programs" / "load.txt"
WORKERS = 4
JOBS = [Item({"n": n}, entity=f"e:{n % 7}" if n % 3 else None) for n in range(50)]


async def test_a_rolling_restart_under_load_loses_nothing(shell: Shell, new_app: Callable[[], App]) -> None:
    (shell.folder / f"{shell.target.partition(':')[0]}.py").write_text(
        LOAD.read_text(encoding="utf-8"), encoding="utf-8"
    )
    with command_crew(shell, WORKERS, "--slots=3") as crew:
        before = await asyncio.to_thread(crew.until_ready, WORKERS)
        crew.stop(signal.SIGHUP)
        async with new_app() as app:
            rolled = asyncio.create_task(asyncio.to_thread(crew.until, "rolled"))
            submitted = 0
            while not rolled.done():
                submitted += len(await app.jobs.submit("step", JOBS))
                await until(lambda: few_are_left(app), "the crew keeps up", timeout=30)
            await until(lambda: all_are_done(app, submitted), "all jobs are complete", timeout=30)
            assert await app.metrics.jobs.lost.read() == 0
            assert await app.metrics.jobs.failures.read() == 0
        after = (await rolled)["ready"]
        assert min(ready_at_each_event(crew, WORKERS)) == WORKERS
        crew.stop()
        code, _ = await asyncio.to_thread(crew.until_end)
    assert code == 0
    assert crew.of("rolled")[0]["complete"]
    assert [one["pid"] for one in crew.of("replaced")] == before
    assert [one["by"] for one in crew.of("replaced")] == after
    assert not {*before} & {*after}


def test_a_successor_that_does_not_start_ends_the_rolling_restart(shell: Shell) -> None:
    broken = shell.folder / "broken"
    with scripted_crew(shell, 2, "good") as crew:
        before = crew.until_ready(2)
        broken.touch()
        crew.stop(signal.SIGHUP)
        halted = crew.until("rolled")
        broken.unlink()
        crew.stop(signal.SIGHUP)
        after = crew.until("rolled")
        assert min(ready_at_each_event(crew, 2)) == 2
        crew.stop()
        code, err = crew.until_end()
    assert code == 0
    assert not halted["complete"]
    assert halted["ready"] == before
    assert halted["error"]["message"] == "no such thing"
    assert "with exit code 2 (no such thing); the other workers go on as they are" in err
    assert after["complete"]
    assert not {*before} & {*after["ready"]}


def test_a_successor_that_never_gets_ready_is_given_up(shell: Shell) -> None:
    with scripted_crew(shell, 1, "once", ready=0.3) as crew:
        before = crew.until_ready(1)
        crew.stop(signal.SIGHUP)
        assert not crew.until("rolled")["complete"]
        crew.until("ended")
        crew.stop()
        code, err = crew.until_end()
    assert code == 0
    assert [one["pid"] for one in crew.of("ended")][1] == before[0]
    assert "was not ready after 0.3 s" in err


def test_a_second_wish_is_granted_after_the_first(shell: Shell) -> None:
    with scripted_crew(shell, 2, "good") as crew:
        crew.until_ready(2)
        crew.stop(signal.SIGHUP)
        crew.until("rolling")
        crew.stop(signal.SIGHUP)
        crew.until("rolled")
        crew.until("rolled")
        assert min(ready_at_each_event(crew, 2)) == 2
        crew.stop()
        code, _ = crew.until_end()
    assert code == 0
    assert len(crew.of("replaced")) == 4


def test_a_stop_amid_a_rolling_restart(shell: Shell) -> None:
    with scripted_crew(shell, 1, "once") as crew:
        crew.until_ready(1)
        crew.stop(signal.SIGHUP)
        crew.until("started", lambda _: len(crew.of("started")) == 2)
        crew.stop()
        code, _ = crew.until_end()
    assert code == 0
    assert crew.of("rolled") == []
    assert len(crew.of("ended")) == 2


def ready_at_each_event(crew: Crew, count: int) -> list[int]:
    """How many claimed jobs, at each event since all did."""
    sizes = [len(event["ready"]) for event in crew.events]
    return sizes[sizes.index(count) :]


async def few_are_left(app: App) -> bool:
    return await app.metrics.jobs.queue_depth.read() < len(JOBS)


async def all_are_done(app: App, count: int) -> bool:
    return await app.metrics.jobs.completions.read() == count
