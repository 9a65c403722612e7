"""A shop as it is deployed: a store, workers, one endpoint for Prometheus, a dependency, and its usual load."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final, Self

from jobledger import App
from tests.faults.program import ROOT
from tests.observability.endpoint import served
from tests.observability.incidents.dependency import Dependency
from tests.observability.incidents.handlers import FACTOR, PORT
from tests.observability.incidents.load import steady
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

USUAL: Final[dict[str, float | None]] = {"email": 0.05, "report": 0.2, "row": 0.5, "image": 0.1, "invoice": 0.05}
"""Seconds that the dependency takes."""
SLOTS: Final = 20
"""Of async handlers in each worker."""
PATIENCE: Final = 60.0


class Deployment:
    """From ``async with`` to its end; then all its processes have ended.

    Attributes:
        app: a client of the store.
        dependency: what the handlers call.
        target: what Prometheus scrapes, and ``server`` the process behind it.
        workers: the processes, as they were started: workers, and supervisors of some.
    """

    def __init__(self, name: str, folder: Path, factor: int, crews: tuple[int, ...]) -> None:
        """Nothing is started yet."""
        self.name = name
        self.target = ""
        self.workers: list[subprocess.Popen[bytes]] = []
        self.dependency = Dependency({**USUAL})
        self.app = App(f"sqlite:///{folder}/jobs.db")
        self._folder = folder
        self._factor = factor
        self._crews = crews
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.app)
            await stack.enter_async_context(self.dependency)
            stack.callback(self._kill)
            self.target, self.server = await asyncio.to_thread(stack.enter_context, served(self.app.url))
            for processes in self._crews:
                self.start(processes)
            await self.until_workers(sum(self._crews))
            load = asyncio.create_task(steady(self.app, self.name))
            stack.push_async_callback(_end, load)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def start(self, processes: int = 1) -> None:
        """Start a worker, or a supervisor of several."""
        words = ("worker", "tests.observability.incidents.handlers:app", "--url", self.app.url, "--slots", str(SLOTS))
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
            PORT: str(self.dependency.port),
            FACTOR: str(self._factor),
        }
        with (self._folder / "workers.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "jobledger", *words, "--processes", str(processes)],
                cwd=self._folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
            )  # fmt: skip
        self.workers.append(process)

    async def until_workers(self, count: int) -> None:
        """Wait until so many live."""

        async def live() -> bool:
            return await self.app.metrics.jobs.workers.read() == count

        await until(live, f"{self.name}: {count} workers live", PATIENCE)

    def _kill(self) -> None:
        """A supervisor's workers, too."""
        for process in self.workers:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def _end(load: asyncio.Task[None]) -> None:
    load.cancel()
    await asyncio.wait([load])
    if not load.cancelled():
        load.result()
