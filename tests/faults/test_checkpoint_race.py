"""Several processes commit and write the log back at once: SQLite up to 3.51.2 could damage the file there.

It needs a commit of one connection in the middle of another one's checkpoint. Ours are both under one lock, and the
SQLite that apsw brings is free of the fault; `jobledger doctor` names one that is not.
"""

import subprocess
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from jobledger import App
from jobledger.testing import assert_balanced
from tests.faults.program import started

PROCESSES = 2
JOBS = [
    pytest.param(60, id="few"),
    pytest.param(20_000, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
]
SOUND = (3, 51, 3)


def test_the_version_is_free_of_it() -> None:
    assert tuple(map(int, apsw.sqlite_lib_version().split(".")[:3])) >= SOUND


@pytest.mark.parametrize("jobs", JOBS)
async def test_the_file_stays_whole(app: App, store_path: Path, jobs: int) -> None:
    async with app:
        await app.declare("mail")
        words = store_path, jobs
        hammers = [
            started("tests.faults.programs.hammering", *words, output=subprocess.PIPE, reads=True)
            for _ in range(PROCESSES)
        ]
        try:
            for hammer in hammers:
                assert hammer.stdout is not None
                assert hammer.stdout.readline() == b"ready\n"
            for hammer in hammers:
                assert hammer.stdin is not None
                hammer.stdin.write(b"\n")
                hammer.stdin.flush()
            assert [hammer.wait(500) for hammer in hammers] == [0] * PROCESSES
        finally:
            for hammer in hammers:
                hammer.kill()
                hammer.communicate()
        assert await app.metrics.jobs.enqueued.read(type="mail") == PROCESSES * jobs
    with closing(apsw.Connection(str(store_path))) as looking:
        assert looking.pragma("integrity_check") == "ok"
        assert looking.execute("SELECT count(DISTINCT id) FROM job").get == PROCESSES * jobs
    assert_balanced(store_path)
