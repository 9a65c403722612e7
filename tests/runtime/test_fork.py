"""A process is forked while an App is open: the child must open one of its own."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator

import pytest

from jobledger import App
from jobledger.errors import NotOpen

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forking a process with threads is for Linux")


@pytest.fixture(autouse=True)
def threads_may_fork() -> Iterator[None]:
    """Python warns of forks beside threads, as well it should."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def in_child(work: Callable[[], str]) -> str:
    """What the work comes to in a forked child."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = work()
        except BaseException as error:  # noqa: BLE001 - told to the parent
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        said = told.read()
    os.waitpid(pid, 0)
    return said


def run(coroutine: object) -> str:
    """Take the first step of a coroutine: a child has no loop that it could run on."""
    coroutine.send(None)  # type: ignore[attr-defined]
    return "went on"


async def test_an_open_app_is_of_no_use_in_a_child(app: App) -> None:
    """It says so at once, instead of waiting for threads that are not there."""
    async with app:
        await app.declare("work")
        job_id = await app.jobs.submit("work")
        for ask in (lambda: app.jobs.submit("work"), lambda: app.jobs.status(job_id), app.__aenter__):
            said = in_child(lambda ask=ask: run(ask()))  # type: ignore[misc]
            assert said.startswith(f"{NotOpen.__name__}: this App was opened in another process"), said
        assert (await app.jobs.status(job_id)).status == "queued"
        await app.jobs.submit("work")


async def test_a_child_may_open_its_own(new_app: Callable[[], App]) -> None:
    """An App that nobody has opened yet belongs to whoever opens it."""
    parent, child = new_app(), new_app()
    with parent.blocking() as runs:
        runs(parent.declare("work"))

    def submits() -> str:
        with child.blocking() as runs:
            return str(runs(child.jobs.submit("work")))

    job_id = in_child(submits)
    async with parent:
        assert (await parent.jobs.status(job_id)).status == "queued"
