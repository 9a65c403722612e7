"""What a worker process is set to: uvloop where it is installed, and a garbage collector that does not hurry."""

import asyncio
import gc

import pytest

from jobledger import App
from jobledger._core.job import Status
from tests.cli.shell import Program, Shell, wait_for

HANDLERS = """
import asyncio
import gc
from jobledger import App

app = App()

@app.job("young")
async def young() -> int:
    return gc.get_threshold()[0]

@app.job("loop")
async def loop() -> str:
    return type(asyncio.get_running_loop()).__module__.split(".")[0]
"""


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("installed", [True, False])
def test_a_worker_runs_on_it(shell: Shell, processes: str, *, installed: bool) -> None:
    (shell.folder / "looping.py").write_text(HANDLERS, encoding="utf-8")
    if not installed:
        (shell.folder / "uvloop.py").write_text("raise ImportError", encoding="utf-8")
    shell.target = "looping:app"
    job_id = shell.submit("loop")
    with Program(shell, "worker", "looping:app", "--processes", processes) as worker:
        wait_for(shell, job_id, Status.COMPLETE)
        worker.stop()
        code, _, err = worker.ended()
    assert (code, "Traceback" in err) == (0, False)
    assert shell.json("status", job_id)["result"] == ("uvloop" if installed else "asyncio")


@pytest.mark.parametrize(
    ("set_to", "young"), [("", 5000), ("gc.set_threshold(7000)", 7000), ("gc.set_threshold(0)", 0)]
)
def test_its_garbage_collector_does_not_hurry(shell: Shell, set_to: str, young: int) -> None:
    (shell.folder / "looping.py").write_text(f"{HANDLERS}\n{set_to}\n", encoding="utf-8")
    shell.target = "looping:app"
    here = gc.get_threshold()
    job_id = shell.submit("young")  # which imports the module here, too
    gc.set_threshold(*here)
    with Program(shell, "worker", "looping:app") as worker:
        wait_for(shell, job_id, Status.COMPLETE)
        worker.stop()
        worker.ended()
    assert shell.json("status", job_id)["result"] == young


def test_so_does_the_bridge(app: App) -> None:
    async def here() -> str:
        return type(asyncio.get_running_loop()).__module__

    with app.blocking() as run:
        assert run(here()) == "uvloop"


async def test_a_loop_of_the_user_stays(app: App) -> None:
    loop = asyncio.get_running_loop()
    async with app:
        assert asyncio.get_running_loop() is loop
    assert type(loop).__module__.startswith("asyncio")
