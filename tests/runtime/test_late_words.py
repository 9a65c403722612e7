"""Code that outlives its worker may still report progress: nobody writes it down, and nothing breaks."""

import asyncio
import threading
from typing import Any

import pytest

from jobledger import App, Context
from jobledger._runtime import node
from jobledger.errors import WorkerStuck
from tests.waiting import until

pytestmark = pytest.mark.unaudited("the job stays in processing until this process ends")


async def test_progress_after_the_worker_has_closed(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_STOP_SECONDS", 0.01)
    started, speak, end = threading.Event(), threading.Event(), threading.Event()
    wrong: list[dict[str, Any]] = []
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))

    @app.job("endless")
    def endless(ctx: Context) -> None:
        started.set()
        speak.wait()
        ctx.progress(50, "still here")
        said.append("said")
        end.wait()

    with pytest.raises(WorkerStuck):
        async with app.worker(grace=0):
            await endless.submit()
            await until(started.is_set, "it runs")
    speak.set()
    await until(lambda: said, "it has spoken")
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0)
    end.set()
    assert wrong == []
