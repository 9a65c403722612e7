"""Synchronous code uses the one asynchronous API."""

import asyncio
import subprocess
import sys
import threading

import pytest

from jobledger import App
from jobledger.errors import NotFound, NotOpen, UnknownType


def test_errors_come_through(app: App) -> None:
    with app.blocking() as run:
        with pytest.raises(NotFound):
            run(app.jobs.status("0193"))
        with pytest.raises(UnknownType):
            run(app.jobs.submit("nobody"))


def test_from_many_threads(app: App) -> None:
    """They share the loop, so their submits share commits."""
    ids: list[str] = []

    def submit() -> None:
        ids.extend(run(app.jobs.submit("work")) for _ in range(5))

    with app.blocking() as run:
        run(app.declare("work"))
        threads = [threading.Thread(target=submit) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({job.id for job in run(app.jobs.list(limit=100)).jobs}) == len(set(ids)) == 40


def test_a_call_may_have_an_end(app: App) -> None:
    with app.blocking() as run, pytest.raises(TimeoutError):
        run(asyncio.Event().wait(), timeout=0.01)


def test_it_closes_the_app(app: App) -> None:
    with app.blocking() as run:
        run(app.declare("work"))
    submitting = app.jobs.submit("work")
    with pytest.raises(NotOpen):
        asyncio.run(submitting)
    assert not [thread for thread in threading.enumerate() if thread.name == "jobledger loop"]


def test_an_error_in_the_block_closes_it_too(app: App) -> None:
    with pytest.raises(ZeroDivisionError), app.blocking() as run:
        run(app.declare("work"))
        raise ZeroDivisionError
    assert app._door is None
    with app.blocking() as run:
        run(app.jobs.submit("work"))


def test_what_cannot_be_opened_leaves_no_thread() -> None:
    app = App("sqlite:////nowhere/at/all/jobs.db")
    with pytest.raises(Exception, match="there is no directory"), app.blocking():
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "jobledger loop"]


LEFT_OPEN = """
import os, sys
from jobledger import App

app = App(sys.argv[1])
block = app.blocking()
run = block.__enter__()
run(app.declare("work"))
child = os.fork() if "fork" in sys.argv else None
run(app.jobs.submit("work"))
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.parametrize("words", [(), ("fork",)], ids=["alone", "forked"])
def test_a_block_that_is_never_left_holds_up_no_exit(url: str, words: tuple[str, ...]) -> None:
    """A module of a web application keeps it; its loop's thread is gone when the interpreter ends."""
    command = [sys.executable, "-W", "ignore", "-c", LEFT_OPEN, url, *words]
    assert subprocess.run(command, timeout=30, check=False).returncode == 0
