"""``metrics --watch``: on a terminal, in a pipe, and on a store that goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from jobledger._core.catalog import ELEVEN
from jobledger._core.job import Status
from tests.cli.shell import SOURCE, Program, Shell, wait_for
from tests.cli.terminal import Terminal
from tests.waiting import until_blocking

if TYPE_CHECKING:
    from pathlib import Path

EMAIL = '{"to": "a"}'
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"
"""The other screen of a terminal, which leaves the first as it was."""


def rates(line: str) -> dict[tuple[str, str | None], float]:
    return {(rate["metric"], rate["type"]): rate["value"] for rate in json.loads(line)["per_second"]}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_is_drawn_in_place_until_a_signal(shell: Shell, number: signal.Signals, code: int) -> None:
    shell.submit("email.send", EMAIL)
    with Terminal(shell, "metrics", "--watch", "0.2") as terminal:
        terminal.until("wait_duration")
        page = terminal.until("wait_duration")
        assert "every 0.2 s, Ctrl-C ends it" in page
        for instrument in ELEVEN:
            assert instrument.attribute in page
        terminal.process.send_signal(number)
        assert terminal.ended() == code
    assert terminal.raw.index(ENTERED) < terminal.raw.index(LEFT)
    last = terminal.raw.rpartition(LEFT)[2]
    assert "wait_duration" in last
    assert "Traceback" not in terminal.raw


def test_types_are_shown_where_there_is_room(shell: Shell) -> None:
    shell.submit("email.send", EMAIL)
    with Terminal(shell, "metrics", "--watch", "0.2", lines=24) as low:
        assert "poison" not in low.until("5 types: a higher window shows each")
    with Terminal(shell, "metrics", "--watch", "0.2", lines=80) as high:
        assert "poison" in high.until("wait_duration")


@pytest.mark.debian("tmux", "tmux")
def test_eighty_columns_and_24_lines(shell: Shell) -> None:
    """As a person sees it, and what is there again after Ctrl-C."""
    shell.submit("email.send", EMAIL)

    def tmux(*words: str) -> str:
        return subprocess.run(
            ["tmux", "-L", f"jobledger-{os.getpid()}", *words], capture_output=True, text=True, check=True
        ).stdout

    environment = f"env -u COLUMNS PYTHONPATH={SOURCE} TERM=screen PS1=ready: JOBLEDGER_URL='{shell.url}'"
    tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", f"{environment} sh -i")
    try:
        until_blocking(lambda: "ready:" in tmux("capture-pane", "-p"), "the prompt is shown", timeout=30)
        tmux("send-keys", f"{sys.executable} -m jobledger metrics --watch 0.2", "Enter")
        until_blocking(
            lambda: "5 types: a higher window" in tmux("capture-pane", "-p"), "the page is shown", timeout=30
        )
        page = tmux("capture-pane", "-p").splitlines()
        tmux("send-keys", "C-c")
        until_blocking(lambda: tmux("capture-pane", "-p").count("ready:") == 2, "the prompt is back", timeout=30)
        after = tmux("capture-pane", "-p")
    finally:
        tmux("kill-server")
    assert [row.split()[0] for row in page[3:14]] == [instrument.attribute for instrument in ELEVEN]
    assert page[0].startswith("sqlite:///")
    assert page[1].endswith("every 0.2 s, Ctrl-C ends it")
    assert "--watch 0.2" in after
    assert "wait_duration" in after


def test_a_pipe_gets_a_block_a_look(shell: Shell) -> None:
    shell.submit("email.send", EMAIL)
    with Program(shell, "metrics", "--watch", "0.2") as watching:
        blocks = [block_of(watching) for _ in range(2)]
        watching.stop(signal.SIGINT)
        assert watching.ended()[0] == 130
    for block in blocks:
        assert block[0].startswith("as of 20")
        assert block[1].split() == ["METRIC", "TYPE", "VALUE", "PER", "S", "MEAN", "P50", "P95"]
        rows = [line.split()[:3] for line in block]
        assert ["enqueued", "(all)", "1"] in rows
        assert ["enqueued", "email.send", "1"] in rows


def block_of(program: Program) -> list[str]:
    return list(iter(lambda: program.line().rstrip("\n"), ""))


def test_json_is_a_line_a_look_with_rates(shell: Shell) -> None:
    shell.submit("email.send", EMAIL)
    with Program(shell, "metrics", "--watch", "0.2", "--json") as watching:
        assert rates(watching.line()) == {}
        job_id = shell.submit("email.send", EMAIL)
        shell.work_off()
        wait_for(shell, job_id, Status.COMPLETE)
        seen = grown(watching, ("completions", None))
        watching.stop(signal.SIGINT)
        code, _, err = watching.ended()
    assert (code, err) == (130, "")
    assert seen["completions", None] == seen["completions", "email.send"] > 0
    assert ("queue_depth", None) not in seen
    assert ("completions", "poison") in seen


def grown(watching: Program, counter: tuple[str, str | None]) -> dict[Any, float]:
    """The first look at which a counter has grown."""
    while True:
        seen = rates(watching.line())
        if seen.get(counter):
            return seen


@pytest.mark.unaudited("the store is removed")
def test_a_store_that_is_removed(shell: Shell, store_path: Path) -> None:
    shell("migrate")
    with Program(shell, "metrics", "--watch", "0.2", "--json") as watching:
        watching.line()
        store_path.unlink()
        code, out, err = watching.ended()
    assert (code, err) == (1, "")
    assert json.loads(out.splitlines()[-1])["error"]["message"].startswith(f"{store_path} was removed while")


@pytest.mark.unaudited("the store is replaced")
def test_a_store_that_is_replaced(shell: Shell, store_path: Path) -> None:
    shell("migrate")
    with Program(shell, "metrics", "--watch", "0.2") as watching:
        watching.line()
        store_path.with_name("new.db").write_bytes(store_path.read_bytes())
        store_path.with_name("new.db").replace(store_path)
        code, _, err = watching.ended()
    assert code == 1
    assert err == (
        f"error: {store_path} was replaced by another file while it was watched: "
        "start again, on a store that is there\n"
    )


def test_a_store_that_is_not_there(shell: Shell, store_path: Path) -> None:
    result = shell("metrics", "--watch", "1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no store at" in result.stderr
    assert not store_path.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--watch", "0"), "SECONDS must be from 0.1 to 86,400, not 0"),
        (("--watch", "nan"), "SECONDS must be from 0.1 to 86,400, not nan"),
        (("--watch", "1e9"), "SECONDS must be from 0.1 to 86,400"),
        (("--watch", "-1"), "No such option: -1"),
        (("--watch", "soon"), "Invalid value for 'SECONDS'"),
        (("5",), "SECONDS is for --watch: add it"),
        (("--watch", "--catalog"), "--watch shows the eleven: leave --openmetrics or --catalog out"),
        (("--watch", "--openmetrics"), "--watch shows the eleven"),
        (("--watch", "--markdown"), "--markdown is for --catalog"),
    ],
)
def test_what_cannot_be_watched(shell: Shell, words: tuple[str, ...], message: str) -> None:
    shell.url = "sqlite:///not-looked-at.db"
    result = shell("metrics", *words)
    assert result.exit_code == 2
    assert message in result.stderr
