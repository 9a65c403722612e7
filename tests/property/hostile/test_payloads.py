"""Payloads and results: what is accepted comes back as it was, and what is not leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobledger import App, Cancel, Context, Fail, Item, Retry
from jobledger._config import MAX_DEPTH, MAX_PAYLOAD
from jobledger._store.codec import decode, encode_payload
from jobledger.errors import InvalidPayload, JobEnded
from tests.property.hostile.conftest import TYPE, Desk, Refused
from tests.property.hostile.values import ANY, BROWSE, JSON, TEXTS, exact, is_sayable, nested

OBJECTS = st.dictionaries(TEXTS, JSON, max_size=5)
MIB = 1024 * 1024


@given(OBJECTS)
@BROWSE
async def test_a_payload_comes_back_as_it_was(desk: Desk, payload: dict[str, Any]) -> None:
    answer = await desk.tried(lambda: desk.app.jobs.submit(TYPE, payload))
    if isinstance(answer, Refused):
        assert isinstance(answer.error, InvalidPayload)
        assert not is_sayable(payload) or "digits" in str(answer.error) or "bytes" in str(answer.error)
    else:
        assert exact((await desk.app.jobs.status(answer)).payload) == exact(payload)


@given(st.lists(OBJECTS | ANY | st.builds(Item, OBJECTS | ANY), max_size=4))
@BROWSE
async def test_a_batch_comes_back_or_nothing_of_it_is_there(desk: Desk, payloads: list[Any]) -> None:
    answer = await desk.tried(lambda: desk.app.jobs.submit(TYPE, payloads))
    if not isinstance(answer, Refused):
        kept = [(await desk.app.jobs.status(job_id)).payload for job_id in answer]
        sent = [one.payload if isinstance(one, Item) else one for one in payloads]
        assert exact(kept) == exact(sent)


@given(ANY)
@BROWSE
async def test_anything_in_the_place_of_a_payload(desk: Desk, payload: Any) -> None:
    await desk.tried(lambda: desk.app.jobs.submit(TYPE, payload))


@given(OBJECTS)
@BROWSE
async def test_a_handler_gets_it_and_gives_it_back(worker: App, payload: dict[str, Any]) -> None:
    if not is_sayable(payload):
        return
    try:
        job_id = await worker.jobs.submit("echo", payload)
    except InvalidPayload as error:
        refused = str(error)
    else:
        assert exact(await worker.jobs.result(job_id, wait=20)) == exact(payload)
        return
    assert "digits" in refused or "bytes" in refused


@given(ANY)
@BROWSE
async def test_any_result_is_kept_or_ends_its_job(worker: App, results: list[Any], result: Any) -> None:
    results[:] = [result]
    job_id = await worker.jobs.submit("give")
    try:
        kept = await worker.jobs.result(job_id, wait=20)
    except JobEnded as error:
        reason = error.reason
    else:
        assert kept is None or kept == decode(encode_payload({"result": result}))["result"]
        return
    assert reason == "Validation"


@pytest.fixture
def results() -> list[Any]:
    """What the next job of the type `give` gives."""
    return []


@pytest.fixture
async def worker(url: str, results: list[Any]) -> Any:
    app = App(url)

    @app.job("echo")
    async def echo(**anything: Any) -> dict[str, Any]:
        return anything

    @app.job("give", max_attempts=1)
    async def give() -> Any:
        return results[0]

    async with app.worker(slots=2, threads=0):
        yield app


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\x1b[2J", "\ufffe", "x" * 20_000])
@pytest.mark.parametrize("way", ["raise", "fail", "retry", "cancel", "progress", "result"])
async def test_whatever_a_handler_says_its_attempt_ends(url: str, text: str, way: str) -> None:
    """What can't be stored as it is must not keep an attempt from being settled, nor hold up its neighbours."""
    app = App(url)

    @app.job("speak", max_attempts=1)
    async def speak(ctx: Context) -> Any:
        ctx.progress(50, text if way == "progress" else "")
        match way:
            case "raise":
                raise ValueError(text)
            case "fail":
                return Fail(text)
            case "retry":
                return Retry(error=text)
            case "cancel":
                return Cancel(text)
            case _:
                return text if way == "result" else None

    @app.job("neighbour")
    async def neighbour() -> str:
        return "done"

    async with app.worker(slots=2, threads=0):
        said, beside = await speak.submit(), await neighbour.submit()
        assert await neighbour.result(beside, wait=10) == "done"
        report = await app.jobs._outcome(said, 10)
        assert report.ended


@pytest.mark.parametrize("lists", [False, True])
@pytest.mark.parametrize("leaf", [None, 1, "[[[{{{"])
@given(depth=st.integers(0, 2_000))
@example(depth=MAX_DEPTH - 1)
@example(depth=MAX_DEPTH)
@example(depth=100_000)
@BROWSE
def test_nothing_is_too_deep_to_be_read_again(lists: bool, leaf: object, depth: int) -> None:
    """What is deeper than the limit is refused, whoever calls; else the next reader would break."""
    payload: dict[str, Any] = {"in": nested(depth - 1, leaf, lists=lists)} if depth else {}
    if depth > MAX_DEPTH:
        with pytest.raises(InvalidPayload, match=rf"nested more than {MAX_DEPTH}|not JSON: maximum recursion"):
            encode_payload(payload)
    else:
        assert decode(encode_payload(payload)) == payload


def test_the_limit_of_depth_counts_nothing_else() -> None:
    """Not brackets in strings, and not neighbours."""
    text = '[{"\\' * 50
    wide = {"a": [[text]] * 300, text: {str(number): {} for number in range(1_000)}}
    assert decode(encode_payload(wide)) == wide


@pytest.mark.parametrize("size", [MAX_PAYLOAD - 8, MAX_PAYLOAD - 7, 10 * MIB])
@pytest.mark.parametrize("character", ["x", "\\", "\x01", "é"])
async def test_large_payloads(desk: Desk, size: int, character: str) -> None:
    """The limit is on bytes of JSON."""
    payload = {"x": character * size}
    answer = await desk.tried(lambda: desk.app.jobs.submit(TYPE, payload))
    assert isinstance(answer, Refused) is (size != MAX_PAYLOAD - 8 or character != "x")
    if isinstance(answer, Refused):
        assert "store the data elsewhere" in str(answer.error)


async def test_large_batches(desk: Desk) -> None:
    """Each of them small enough, and all together too large."""
    many = [{"x": "x" * (MAX_PAYLOAD - 100)}] * 70
    answer = await desk.tried(lambda: desk.app.jobs.submit(TYPE, many))
    assert isinstance(answer, Refused)
    assert "send it in chunks" in str(answer.error)


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
async def test_the_deepest_result(worker: App, results: list[Any], depth: int) -> None:
    results[:] = [nested(depth, None, lists=True)]
    job_id = await worker.jobs.submit("give")
    if depth <= MAX_DEPTH:
        assert await worker.jobs.result(job_id, wait=20) == results[0]
    else:
        with pytest.raises(JobEnded, match="nested"):
            await worker.jobs.result(job_id, wait=20)


def test_a_caller_deep_down_his_own_stack_is_told_the_same() -> None:
    """A limit that comes from the interpreter would depend on who calls."""

    def call(depth: int) -> None:
        if depth:
            call(depth - 1)
        else:
            with pytest.raises(InvalidPayload):
                encode_payload({"in": nested(MAX_DEPTH + 50, None, lists=True)})

    call(400)
    assert asyncio.run(_nothing()) is None


async def _nothing() -> None:
    """So that the loop's own depth is no matter, either."""
