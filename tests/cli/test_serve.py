import json
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Mount

from jobledger import App
from jobledger.web import create_asgi
from tests.cli.shell import Program, Shell


@pytest.fixture
async def client(app: App, url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the ASGI app, mounted in another one that has opened the App."""

    @app.job("email.send")
    async def send() -> None: ...

    async with app:
        await app.jobs.submit("email.send")
    reader = App(url, read_only=True)
    host = Starlette(routes=[Mount("/jobs", create_asgi(reader))])
    async with reader, httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://test/jobs") as client:
        yield client


async def test_metrics_are_text_by_default(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["jobs_queue_depth"].samples


async def test_metrics_are_openmetrics_for_those_who_ask(client: httpx.AsyncClient) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    answer = await client.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert list(openmetrics_families(answer.text))  # type: ignore[no-untyped-call]


async def test_metrics_have_exemplars_for_those_who_can_read_them(app: App, url: str) -> None:
    @app.job("email.send")
    async def send() -> None: ...

    async with app.worker():
        job_id = await send.options(trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").submit()
        await send.result(job_id, wait=5)
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(create_asgi(app)), base_url="http://test") as client,
        app,
    ):
        answer = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
        assert job_id not in (await client.get("/metrics")).text
    parsed = list(openmetrics_families(answer.text))  # type: ignore[no-untyped-call]
    found = {family.name: sample.exemplar for family in parsed for sample in family.samples if sample.exemplar}
    assert set(found) == {"jobs_duration_seconds", "jobs_processing_seconds", "jobs_wait_duration_seconds"}
    for exemplar in found.values():
        assert exemplar.labels == {"job_id": job_id, "trace_id": "0af7651916cd43dd8448eb211c80319c"}


async def test_metrics_are_compressed_for_those_who_ask(client: httpx.AsyncClient) -> None:
    plain = await client.get("/metrics", headers={"accept-encoding": "identity"})
    small = await client.get("/metrics", headers={"accept-encoding": "br, gzip;q=0.5"})
    refused = await client.get("/metrics", headers={"accept-encoding": "gzip;q=0, *"})
    assert "content-encoding" not in {*plain.headers, *refused.headers}
    assert small.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["vary"]
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert small.text.splitlines()[:9] == plain.text.splitlines()[:9]


async def test_health(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()["store"]) == (200, "readable")
    assert answer.json()["as_of"].startswith("20")
    assert answer.headers["cache-control"] == "no-store"


async def test_nothing_else(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).status_code == 404
    assert (await client.post("/metrics")).status_code == 405


async def test_an_app_that_is_not_open_is_not_healthy(url: str) -> None:
    transport = httpx.ASGITransport(create_asgi(App(url)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/metrics")).status_code == 503
        answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()["store"], answer.json()["error"]) == (503, "unreadable", "NotOpen")


def test_it_serves_until_a_signal(shell: Shell) -> None:
    shell.submit("poison")
    with Program(shell, "serve", "--port", "0", "--json") as server:
        address = json.loads(server.line())["address"]
        metrics, health = (httpx.get(f"{address}/{path}", timeout=30) for path in ("metrics", "healthz"))
        assert 'jobs_queue_depth{priority="normal",type="poison"} 1.0' in metrics.text
        assert health.json()["store"] == "readable"
        server.stop(signal.SIGTERM)
        code, out, err = server.ended()
    assert (code, out, err) == (0, "", "")


def test_it_warns_where_others_can_reach_it(shell: Shell) -> None:
    shell("migrate")
    with Program(shell, "serve", "--port", "0", "--host", "0.0.0.0") as server:  # noqa: S104 - that is the point
        assert server.line().startswith(f"serving {shell.url} on http://0.0.0.0:")
        server.stop(signal.SIGINT)
        code, _, err = server.ended()
    assert code in {0, 130}
    assert err == "warning: 0.0.0.0 can be reached from other machines, and there is no login\n"


def test_a_port_that_is_taken(shell: Shell) -> None:
    shell("migrate")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = shell("serve", "--port", str(port))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: cannot listen on 127.0.0.1, port {port}: ")
    assert result.stderr.endswith("choose another --host or --port\n")


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_is_none(shell: Shell, port: str) -> None:
    result = shell("serve", "--port", port)
    assert result.exit_code == 2
    assert "port must be 0 to 65,535" in result.stderr


def test_a_store_that_is_not_there(shell: Shell, store_path: Path) -> None:
    result = shell("serve", "--port", "0")
    assert result.exit_code == 1
    assert "there is no store at" in result.stderr
    assert not store_path.exists()
