"""A collector that is slow, away or in a bad mood costs pushes, and nothing else."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobledger import App, Telemetry
from tests.otel.pushing import settings
from tests.otel.receiver import Receiver
from tests.waiting import until, until_blocking


@pytest.fixture
def new_app(url: str, receiver: Receiver) -> Callable[[], App]:
    return lambda: worked(App(url, telemetry=settings(receiver)))


def worked(app: App) -> App:
    @app.job("work")
    async def work(*, number: int) -> int:
        return number

    return app


async def does_its_work(app: App) -> None:
    ids = [await app.jobs.submit("work", {"number": number}) for number in range(20)]
    assert [await app.jobs.result(job_id, wait=10) for job_id in ids] == list(range(20))


async def value(app: App, series: str) -> float:
    lines = (await app.metrics.text()).decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(series)))


async def failures(app: App, least: int) -> bool:
    return await value(app, "jobledger_process_push_failures_total") >= least


def loud(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_one_that_never_answers(app: App, receiver: Receiver) -> None:
    """It is not waited for: neither by jobs, nor at the end."""
    receiver.held.clear()
    async with app.worker():
        await until(lambda: receiver.asked, "a push is on its way")
        await does_its_work(app)
        assert (await value(app, "jobledger_process_pushes_total"), receiver.pushes) == (0, [])
        assert receiver.asked == 1
    assert receiver.pushes == []


ENDING = """
import asyncio, sys
from jobledger import App, Telemetry

app = App("sqlite:///jobs.db", telemetry=Telemetry(spans="off", interval=0.2, endpoint=sys.argv[1]))
app.job("work")(lambda: None)

async def main() -> None:
    async with app.worker():
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
print("ended")
"""


def test_a_process_ends_although_it_has_no_answer(receiver: Receiver, tmp_path: Path) -> None:
    receiver.held.clear()
    command = [sys.executable, "-W", "error", "-c", ENDING, f"{receiver.url}/v1/metrics"]
    environment = os.environ | {"OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        until_blocking(lambda: receiver.asked, "a push is on its way", 30)
        assert process.communicate(timeout=30)[0] == "ended\n"
    finally:
        process.kill()
        process.communicate()
    assert receiver.pushes == []


async def test_one_that_is_not_there(url: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}/v1/metrics"
    app = worked(App(url, telemetry=Telemetry(spans="off", interval=0.2, endpoint=nowhere)))
    async with app.worker():
        await does_its_work(app)


async def test_what_is_wrong_is_said_once_and_counted(
    app: App, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 400
    async with app.worker():
        await until(lambda: failures(app, 3), "three pushes are refused")
        receiver.status = 200
        await until(lambda: len(loud(caplog)) > 1, "it is said that one was taken")
        assert await value(app, "jobledger_process_pushes_total") >= 1
    said = loud(caplog)
    assert [record.name for record in said] == ["jobledger.telemetry"] * 2
    assert [record.getMessage().partition(":")[0] for record in said] == [
        "metrics are not pushed, and tried again at the next turn",
        "metrics are pushed again",
    ]
    assert "400" in said[0].getMessage()


async def test_a_programs_own_exporter_speaks_for_itself(app: App, receiver: Receiver) -> None:
    """Only what our thread hears is kept back."""
    log = logging.getLogger("opentelemetry.exporter.otlp.proto.http.metric_exporter")
    heard: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(listener)
    receiver.held.clear()
    async with app.worker():
        await until(lambda: receiver.asked, "a push is on its way")
        log.error("of the program itself")
        receiver.status = 400
        receiver.held.set()
        await until(lambda: receiver.asked > 1, "it was refused")
    log.removeHandler(listener)
    assert heard == ["of the program itself"]
