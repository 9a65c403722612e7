"""``jobledger top``: on a terminal, in a pipe and as JSON, beside workers that live, hang and die."""

from __future__ import annotations

import json
import re
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from rich.cells import cell_len

from jobledger._core.alerts import ALERTS
from jobledger._core.job import Status
from jobledger._metrics.overview.rules import NOT_HERE
from jobledger._store.postgres.target import Target
from jobledger.cli.source import public
from jobledger.cli.top.feed import Asking, Feed
from tests.both_stores import url
from tests.cli.shell import Program, Shell, wait_for
from tests.cli.terminal import Terminal
from tests.faults.test_newer_schema import KNOWN, set_schema
from tests.waiting import until_blocking

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["url"]
GUIDE: Final = Path(__file__).parents[2] / "docs" / "guide.md"
EMAIL: Final = '{"to": "a"}'
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"
SEQUENCE: Final = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_])")
SQLITE_ONLY: Final = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
POSTGRES_ONLY: Final = pytest.mark.parametrize("url", ["postgres"], indirect=True)


def frames(terminal: Terminal) -> list[list[str]]:
    """The pages that were drawn, from the top of the screen each; the last one may not be whole."""
    drawn = terminal.raw.partition(ENTERED)[2].partition(LEFT)[0].split("\x1b[H")
    return [[line.rstrip() for line in SEQUENCE.sub("", page).replace("\r", "").split("\n")] for page in drawn]


def page_with(terminal: Terminal, pattern: str) -> str:
    """Look on until a whole page has it."""
    until_blocking(lambda: re.search(pattern, next_page(terminal)), f"a page has {pattern!r}", timeout=30)
    return next_page(terminal)


def next_page(terminal: Terminal) -> str:
    terminal.until("ALERTS")  # whatever was drawn before this one is whole
    return "\n".join(frames(terminal)[-2])


def shapes(value: Any) -> Any:
    """What there is in a JSON document, without its values: of a list, what all of its members have."""
    if isinstance(value, dict):
        return {name: shapes(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shapes(inner) for inner in value][:1]
    return None


def figures(seen: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in seen["types"] if one["type"] == name)


def documented() -> dict[str, Any]:
    """The example of the guide."""
    section = GUIDE.read_text(encoding="utf-8").partition("## Watch a store live")[2]
    example: dict[str, Any] = json.loads(section.partition("```json\n")[2].partition("```")[0])
    return example


def trouble(shell: Shell) -> str:
    """An entity with two jobs that wait, a dead letter, and a job that nobody has started: the id of the first."""
    first = shell.submit("email.send", EMAIL, "--entity", "customer:42")
    for _ in range(2):
        shell.submit("email.send", EMAIL, "--entity", "customer:42")
    shell.submit("email.send", EMAIL, "--delay", "3600")
    return first


def test_json(shell: Shell) -> None:
    """Its shape is documented, and programs rely on it."""
    shell.submit("poison", "{}")
    shell.work_off()
    first = trouble(shell)
    seen = shell.json("top", "--once")
    assert seen["store"] == public(shell.url)
    assert figures(seen, "email.send")["depth"] == {"ready": 1, "parked": 2, "delayed": 1, "running": 0, "dead": 0}
    assert figures(seen, "poison")["depth"]["dead"] == 1
    assert seen["all"]["depth"] == {"ready": 1, "parked": 2, "delayed": 1, "running": 0, "dead": 1}
    assert (seen["live_workers"], seen["slots"], seen["busy"], seen["workers"]) == (0, 0, 0, [])
    assert len(seen["gone"]) == 1
    (box,) = seen["entities"]["busiest"]
    assert (box["entity"], box["parked"], box["holder"]["job"]) == ("customer:42", 2, first)
    assert (box["holder"]["state"], box["holder"]["handled"]) == ("ready", False)
    (failing,) = seen["failing"]
    assert (failing["type"], failing["dead"], failing["retrying"]) == ("poison", 1, 0)
    assert failing["error"].startswith("ValueError: bad \x1b]0;title\x07")
    assert {one["alert"] for one in seen["alerts"]} >= {"JobledgerNoWorkerForType"}
    assert {one["alert"] for one in seen["not_judged"]} >= {alert.name for alert in NOT_HERE}
    names = {alert.name for alert in ALERTS}
    assert {one["alert"] for one in [*seen["alerts"], *seen["not_judged"]]} <= names
    spread: dict[str, Any] = {"count": None, "p50": None, "p95": None, "p99": None, "above": []}
    of_type = {
        "type": None, "depth": dict.fromkeys(("ready", "parked", "delayed", "running", "dead")),
        "pace": dict.fromkeys(("enqueued", "completed", "failed", "retried", "lost", "dead_lettered")),
        "wait": spread, "processing": spread, "oldest_ready": None, "oldest_parked": None, "longest_running": None,
        "overdue": None, "unhandled": None,
    }  # fmt: skip
    assert shapes(seen) | {"workers": []} == shapes(documented()) | {"workers": []} == {
        "store": None, "as_of": None, "window": None, "books": dict.fromkeys(("findings", "audited", "unfolded")),
        "live_workers": None, "slots": None, "busy": None, "workers": [],
        "gone": [dict.fromkeys(("id", "host", "pid", "seconds"))],
        "entities": {
            "active": None, "parked": None, "counted": None,
            "busiest": [{"entity": None, "parked": None, "holder": dict.fromkeys(
                ("job", "type", "state", "seconds", "worker", "handled", "failures", "max_attempts", "error")
            )}],
        },
        "all": of_type, "types": [of_type],
        "failing": [dict.fromkeys(("type", "error", "reason", "dead", "retrying", "job"))],
        "alerts": [dict.fromkeys(
            ("alert", "severity", "type", "state", "held", "lasting", "value", "summary", "runbook")
        )],
        "not_judged": [dict.fromkeys(("alert", "why"))],
    }  # fmt: skip


@SQLITE_ONLY
def test_in_a_pipe_it_prints_one_page_and_ends(shell: Shell) -> None:
    """Every row in full, whatever is in the names, and nothing that a terminal would obey."""
    shell.submit("poison", "{}")
    shell.work_off()
    first = trouble(shell)
    result = shell("top")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    assert f"customer:42      2 nobody handles: email.send {first}" in result.stdout
    assert "ValueError: bad \\x1b]0;title\\x07 [red]markup[/red]" in result.stdout
    assert "NO LIVE WORKER" in result.stdout
    for name in ("email.send", "poison", "endless", "gate", "stuck", "5 TYPES"):
        assert name in result.stdout


@SQLITE_ONLY
def test_only_some_types(shell: Shell) -> None:
    trouble(shell)
    seen = shell.json("top", "--type", "gate", "--type", "email.send")
    assert [one["type"] for one in seen["types"]] == ["email.send", "gate"]
    wrong = shell("top", "--type", "email.sent")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "unknown type 'email.sent': did you mean 'email.send'?" in wrong.stderr


@SQLITE_ONLY
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_eighty_by_24_in_place_until_a_signal(shell: Shell, number: signal.Signals, code: int) -> None:
    """Beside a live worker with a job that hangs in a blocked entity, and a dead letter."""
    with Program(shell, "worker", shell.target, "--grace", "0") as worker:
        worker.line()
        hangs = shell.submit("endless", "{}", "--entity", "customer:42")
        shell.submit("email.send", EMAIL, "--entity", "customer:42")
        dead = shell.submit("poison", "{}")
        wait_for(shell, hangs, Status.PROCESSING)
        wait_for(shell, dead, Status.FAILED)
        with Terminal(shell, "top", "--interval", "0.2") as terminal:
            text = page_with(terminal, "ValueError")
            terminal.process.send_signal(number)
            assert terminal.ended() == code
        worker.stop()
        worker.ended()
    pages = frames(terminal)[:-1]
    assert len(pages) >= 2
    for page in pages:
        assert len(page) <= 24
        assert max(map(cell_len, page)) <= 80
    assert "1 live worker, 1/" in text
    assert re.search(rf" \S+ endless +customer:42 {hangs}", text)
    assert re.search(rf"customer:42 +1 runs for \S+ +{hangs}", text)
    assert "ValueError: bad \\x1b]0;title\\x07" in text
    assert terminal.raw.count("\x1b]") == 0
    assert "Traceback" not in terminal.raw
    assert "FAILING" in terminal.raw.rpartition(LEFT)[2]


@pytest.mark.unaudited("its worker is killed")
def test_a_killed_worker_is_told_of_on_both_stores(shell: Shell) -> None:
    """And counts as none, although nobody lives who would take it over."""
    with Program(shell, "worker", shell.target, "--json") as worker:
        worker.line()
        hangs = shell.submit("endless", "{}", "--entity", "e")
        wait_for(shell, hangs, Status.PROCESSING)
        until_blocking(lambda: shell.json("top")["workers"][0]["beat"] is not None, "it has shown a sign of life")
        (live,) = shell.json("top")["workers"]
        assert (live["state"], live["pid"], live["running"]) == ("live", worker.process.pid, 1)
        assert 0 <= live["beat"] < 60
        assert (live["longest"]["job"], live["longest"]["entity"]) == (hangs, "e")
        assert shapes([live]) == shapes(documented()["workers"])
        shell.submit("email.send", EMAIL, "--entity", "e")
        worker.process.kill()
        worker.process.wait()
    until_blocking(lambda: shell.json("top")["live_workers"] == 0, "its end is seen", timeout=30)
    seen = shell.json("top")
    (dead,) = seen["workers"]
    assert (dead["state"], dead["running"], seen["slots"], seen["busy"]) == ("ended", 1, 0, 0)
    assert seen["entities"]["busiest"][0]["holder"]["state"] == "lost"
    assert {one["alert"]: one["type"] for one in seen["alerts"]} == {"JobledgerNoWorkerForType": "email.send"}
    assert "jobs_workers 0" in shell("metrics").stdout
    assert "was lost with worker" in shell("top").stdout


@pytest.mark.slow
@pytest.mark.unaudited("its worker is frozen and killed")
def test_a_frozen_worker_is_silent(shell: Shell) -> None:
    with Program(shell, "worker", shell.target, "--lease", "2") as worker:
        worker.line()
        worker.stop(signal.SIGSTOP)
        until_blocking(lambda: shell.json("top")["workers"][0]["state"] == "silent", "it is silent", timeout=30)
        assert shell.json("top")["live_workers"] == 0


@SQLITE_ONLY
@pytest.mark.unaudited("the store is removed for a while")
def test_a_store_that_goes_away_or_is_migrated_is_told_and_tried_again(shell: Shell, store_path: Path) -> None:
    trouble(shell)
    with Terminal(shell, "top", "--interval", "0.2") as terminal:
        page_with(terminal, r"\(all\) +1 +2 ")
        with moved(store_path):
            page_with(terminal, r"NOT UP TO DATE, tried again every 0.2 s:\sthere is no store at")
        shell.submit("gate", '{"path": "x"}')
        page_with(terminal, r"\(all\) +2 +2 ")
        set_schema(store_path, KNOWN + 1)
        page_with(terminal, rf"NOT UP TO DATE(.|\n)*schema\s{KNOWN + 1}(.|\n)*\(all\) +2 +2 ")
        set_schema(store_path, KNOWN)
        shell.submit("gate", '{"path": "x"}')
        page_with(terminal, r"\(all\) +3 +2 ")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 130
    assert "Traceback" not in terminal.raw


@contextmanager
def moved(path: Path) -> Iterator[None]:
    """All files of a store are elsewhere."""
    files = [one for one in path.parent.iterdir() if one.name.startswith(path.name)]
    away = path.parent / "away"
    away.mkdir()
    for one in files:
        one.rename(away / one.name)
    yield
    for one in files:
        (away / one.name).rename(one)


@pytest.mark.slow
@POSTGRES_ONLY
def test_a_server_that_does_not_answer_is_told_and_tried_again(shell: Shell) -> None:
    """A table is locked, as by a migration; then the schema is another one's for a while."""
    trouble(shell)
    target = Target.of(shell.url)
    with Terminal(shell, "top", "--interval", "0.2") as terminal, asking(target) as connection:
        page_with(terminal, r"\(all\) +1 +2 ")
        with connection.transaction():
            connection.execute(f"LOCK TABLE {target.schema}.ledger")
            page_with(terminal, "NOT UP TO DATE: no answer of the store for")
        shell.submit("gate", '{"path": "x"}')
        page_with(terminal, r"\(all\) +2 +2 ")
        connection.execute(f"ALTER SCHEMA {target.schema} RENAME TO elsewhere")
        page_with(terminal, "NOT UP TO DATE, tried again every 0.2 s")
        connection.execute(f"ALTER SCHEMA elsewhere RENAME TO {target.schema}")
        shell.submit("gate", '{"path": "x"}')
        page_with(terminal, r"\(all\) +3 +2 ")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 130
    assert "Traceback" not in terminal.raw


@POSTGRES_ONLY
def test_nobody_waits_for_an_answer_when_it_ends(shell: Shell) -> None:
    """Ctrl-C ends it at once, although the store does not answer."""
    trouble(shell)
    target = Target.of(shell.url)
    with asking(target) as connection:
        with connection.transaction(), Feed(shell.url, ()) as feed:
            feed.look()
            connection.execute(f"LOCK TABLE {target.schema}.ledger")
            look = Asking(feed, pictured=False)
            feed.__exit__(None, None, None)
            assert not look.wait(0)
        assert look.wait(30)
        feed.close()


@contextmanager
def asking(target: Target) -> Iterator[psycopg.Connection]:
    with psycopg.connect(target.dsn.partition("?")[0], autocommit=True) as connection:
        yield connection


@SQLITE_ONLY
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--interval", "0"), "--interval must be from 0.1 to 86,400, not 0"),
        (("--interval", "nan"), "--interval must be from 0.1 to 86,400, not nan"),
        (("--interval", "soon"), "Invalid value for '--interval'"),
    ],
)
def test_what_cannot_be_asked(shell: Shell, words: tuple[str, ...], message: str) -> None:
    result = shell("top", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@SQLITE_ONLY
def test_a_store_that_is_not_there(shell: Shell, store_path: Path) -> None:
    result = shell("top")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no store at" in result.stderr
    assert not store_path.exists()
    assert json.loads(shell("top", "--json").stdout)["error"]["type"] == "NotAStore"


@SQLITE_ONLY
def test_the_help_names_what_cannot_be_judged(shell: Shell) -> None:
    words = " ".join(shell("top", "--help").stdout.split())
    for alert in NOT_HERE:
        assert alert.name in words
