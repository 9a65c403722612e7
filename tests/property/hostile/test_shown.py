"""Names, errors and payloads of strangers, wherever they are shown: a scrape, a log, a terminal, a web server.

No page of HTML is made of them: `/metrics` is text and `/healthz` is JSON, and both say so.
"""

from __future__ import annotations

import io
import json
import logging
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobledger import App
from jobledger._core.labels import OVERFLOW, label
from jobledger._store.intake import name_of
from jobledger.cli.commands import cli
from jobledger.errors import InvalidOption
from jobledger.web import create_asgi
from tests.prometheus_client_text import parsed
from tests.property.hostile.conftest import Desk, Refused
from tests.property.hostile.values import BROWSE, FEW, TEXTS, TIMES, is_harmless
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from prometheus_client.metrics_core import Metric


def is_name(text: str) -> bool:
    try:
        return name_of(text, "type") is not None
    except InvalidOption:
        return False


NAMES = TEXTS.filter(is_name)


def labels_of(families: list[Metric], family: str, name: str) -> set[str]:
    return {sample.labels[name] for one in families if one.name == family for sample in one.samples}


@given(st.lists(NAMES, min_size=1, max_size=3), TEXTS)
@settings(BROWSE, max_examples=20 * TIMES)
async def test_a_scrape_has_all_labels_and_no_other_line(desk: Desk, names: list[str], value: str) -> None:
    """Both formats, read by the parsers of prometheus-client."""
    for name in names:
        await desk.app.declare(name)
        await desk.app.jobs.submit(name)
    await desk.app.metrics.inc("hostile_total", 1, value=value)
    known = {one.label for one in (await desk.app._ledger()).types}
    assert {label(name) for name in names} <= known or OVERFLOW in known
    for openmetrics in (False, True):
        families = parsed(await desk.app.metrics.text(openmetrics=openmetrics), openmetrics=openmetrics)
        assert labels_of(families, "jobs_enqueued", "type") == known
        shown = labels_of(families, "hostile", "value")
        assert label(value) in shown or OVERFLOW in shown
        names_of = [family.name for family in families]
        assert len(names_of) == len(set(names_of))
        assert all(name.startswith(("jobs_", "jobledger_", "hostile")) for name in names_of)


@given(NAMES)
@BROWSE
async def test_a_count_can_be_read_by_the_name_of_its_type(desk: Desk, name: str) -> None:
    await desk.app.declare(name)
    depth = desk.app.metrics.jobs.queue_depth
    before = await desk.tried(lambda: depth.read(type=name))
    await desk.app.jobs.submit(name)
    if not isinstance(before, Refused):  # beyond the budget of labels it is counted with others
        assert await depth.read(type=name) == before + 1


class Trouble(Exception):
    """With a text of a stranger's."""


@pytest.fixture
async def failing(url: str, errors: list[str]) -> AsyncIterator[App]:
    """A worker whose jobs end with an error, or in the error that is next."""
    app = App(url)

    @app.job("badname", max_attempts=1)
    async def bad() -> None:
        raise Trouble(errors[-1])

    async with app.worker(slots=1, threads=0):
        yield app


@pytest.fixture
def errors() -> list[str]:
    return [""]


@given(TEXTS, TEXTS)
@BROWSE
async def test_a_log_line_is_one_line(
    failing: App, errors: list[str], caplog: pytest.LogCaptureFixture, error: str, more: str
) -> None:
    """And what is kept of the error can be read again."""
    errors.append(f"{error}\n{more}")
    caplog.clear()
    job_id = await failing.jobs.submit("badname")
    await failing.jobs._outcome(job_id, 20)

    def lines() -> list[str]:
        return [line for line in caplog.messages if job_id in line]

    await until(lines, "its outcome is logged")
    assert is_harmless("".join(lines()))
    report = await failing.jobs.status(job_id)
    assert report.error is not None
    assert "Trouble" in report.error
    assert report.error.encode()


@pytest.fixture
def store(store_path: Path) -> str:
    return f"sqlite:///{store_path}?durability=off"


def told(*words: str) -> tuple[int, str, str]:
    """A command, in this process: its exit code, what it says on stdout and on stderr."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli(list(words), prog_name="jobledger")
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0
        else:
            code = 0
    return code, out.getvalue(), err.getvalue()


COMMANDS = (
    ("list",), ("list", "--count"), ("types",), ("dlq", "list"), ("metrics",), ("audit", "--by-type"),
    ("export", "alerts"),
)  # fmt: skip


@given(NAMES, NAMES, st.dictionaries(TEXTS, TEXTS, max_size=3), TEXTS)
@FEW
def test_a_terminal_is_told_nothing_that_it_would_obey(
    store: str, name: str, entity: str, payload: dict[str, str], error: str
) -> None:
    """In words, and as JSON that says the same."""
    app = App(store)

    @app.job(name, max_attempts=1)
    async def work(**_: Any) -> None:
        raise Trouble(error)

    try:
        with app.blocking() as run:
            job_id = run(app.jobs.submit(name, dict(payload), entity=entity, batch=entity))
            run(_worked(app, job_id))
    except InvalidOption:
        return
    except ValueError:  # a payload that JSON can't say
        return
    for words in (*COMMANDS, ("status", job_id), ("dlq", "show", job_id), ("list", "--type", name, "--entity", entity)):
        code, out, err = told(*words, "--url", store)
        assert code == 0, err
        if words[0] not in {"metrics", "export"}:
            assert all(map(is_harmless, (out + err).split("\n"))), (words, out, err)
    code, out, _ = told("status", job_id, "--json", "--url", store)
    report = json.loads(out)
    assert all(map(is_harmless, out.split("\n")))
    assert (report["type"], report["entity"], report["payload"]) == (name, entity, payload)


async def _worked(app: App, job_id: str) -> None:
    async with app.worker(slots=1, threads=0):
        await app.jobs._outcome(job_id, 20)


HEADERS = st.lists(
    st.sampled_from(
        ["text/plain", "application/openmetrics-text", ";", "q=", "q=nan", "q=1e999", "q=-1", ",", "version=1.0.0", "=",
         "gzip", "*/*", " ", "q=\x7f", "é", "identity", "\t"]
    ), max_size=8,
).map("".join)  # fmt: skip


@given(HEADERS, HEADERS)
@BROWSE
async def test_any_header_of_a_scraper(desk: Desk, accept: str, encoding: str) -> None:
    transport = httpx.ASGITransport(create_asgi(desk.app))
    headers = [(b"accept", accept.encode("latin-1")), (b"accept-encoding", encoding.encode("latin-1"))]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in ("/metrics", "/healthz"):
            answer = await client.get(path, headers=headers)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(("text/plain", "application/"))
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """What commands do to the root logger is undone."""
    root, ours = logging.getLogger(), logging.getLogger("jobledger")
    handlers, level = [*root.handlers], ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)
