"""The demo, run once on 300 files as a user would run it; its report is checked against itself and from outside."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from jobledger.cli.commands import cli
from tests.demo.commands import jobledger

FILES = 300
MEASURE, WATCH = "stdlib.measure", "stdlib.watch"
Report: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    ran = jobledger("demo", "--limit", str(FILES), "--db", "ran.db", "--json", cwd=folder)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    report: Report = json.loads(ran.stdout)
    return report


def test_the_books_balance(report: Report) -> None:
    assert report["audit"]["balanced"]
    assert all(check["left"] == check["right"] for check in report["audit"]["checks"])
    assert report["audit"]["broken"] == []


def test_every_job_ended_once(report: Report) -> None:
    metrics = {attribute: by_type[MEASURE] for attribute, by_type in report["metrics"].items()}
    assert metrics["enqueued"] == FILES + len(report["input"]["known_bad"])
    ended = metrics["completions"] + metrics["cancellations"] + metrics["dead_lettered"]
    assert metrics["enqueued"] + 1 == ended  # one was replayed, and so ended twice
    assert metrics["queue_depth"] == 0


def test_the_counters_are_what_handlers_and_callers_saw(report: Report) -> None:
    assert report["counters_equal_ground_truth"]
    truth = report["ground_truth"]
    assert all(one["counted"] == one["seen"] for one in truth)
    assert len({one["series"] for one in truth}) == 15  # the eleven, three further ones, and the users' own
    assert report["lines_read"] > 1000


def test_what_cannot_be_read_is_dead(report: Report) -> None:
    dead, put = report["dead"], report["input"]
    failing = put["undecodable"] + len(put["known_bad"])
    assert failing >= 20
    assert dead["size"] == sum(dead["reasons"].values()) >= failing - 2  # one was replayed, one discarded
    assert {"UnicodeDecodeError"} <= dead["reasons"].keys()
    assert all(letter["attempts"] == 3 for letter in dead["letters"])


def test_jobs_are_cancelled_in_the_queue_and_in_flight(report: Report) -> None:
    cancelled = report["cancellations"]
    assert cancelled["queued"] > 0
    assert cancelled["in_flight"] == 1
    assert (cancelled["flight"]["answer"], cancelled["flight"]["outcome"]) == ("Requested", "cancelled")
    events = [event for _, event in cancelled["flight"]["history"]]
    assert events == ["submitted", "started", "cancel_requested", "cancelled"]


def test_some_were_deduplicated_and_some_delayed(report: Report) -> None:
    assert report["deduplicated"] == report["delayed"] == 8


def test_each_directory_was_worked_off_in_order(report: Report) -> None:
    assert (report["mailboxes"]["overlaps"], report["mailboxes"]["out_of_order"]) == (0, 0)
    assert report["mailboxes"]["depth"] > 8


def test_the_slowest_files_come_with_their_results(report: Report) -> None:
    seconds = [slow["seconds"] for slow in report["slowest"]]
    assert len(seconds) == 5
    assert all(slow["result"]["lines"] >= 0 for slow in report["slowest"])
    assert max(seconds) > 0


def test_another_process_finds_the_same_books(report: Report, folder: Path) -> None:
    audited = jobledger("audit", "--url", report["database"], "--json", cwd=folder)
    assert audited.returncode == 0, audited.stderr
    assert json.loads(audited.stdout)["balanced"]
    replayed = jobledger("status", report["dead"]["replayed"], "--url", report["database"], "--json", cwd=folder)
    assert [entry["event"] for entry in json.loads(replayed.stdout)["history"]][-3:] == [
        "replayed",
        "started",
        "completed",
    ]


def test_a_second_run_replaces_the_first(folder: Path) -> None:
    """And without --json it tells people the same, with commands to go on with."""
    first = jobledger("demo", "--limit", "100", "--db", "again.db", cwd=folder)
    again = jobledger("demo", "--limit", "100", "--db", "again.db", cwd=folder)
    assert (first.returncode, again.returncode) == (0, 0), again.stderr + again.stdout
    for told in ("the books balance", "counters = ground truth", "known-bad"):
        assert told in again.stdout
    assert "running" in again.stderr  # progress, as plain lines
    words = [
        line.partition(" -m jobledger ")[2].split() for line in again.stdout.splitlines() if " -m jobledger " in line
    ]
    known = {command.name for command in cli.registered_commands} | {group.name for group in cli.registered_groups}
    assert len(words) == 9
    assert {first for first, *_ in words} <= known | {"dlq"}


@contextmanager
def running(folder: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """A demo that has begun to work."""
    command = [sys.executable, "-m", "jobledger", "demo", "--db", name]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        assert any("running" in line for line in demo.stderr)
        yield demo


def test_ctrl_c_leaves_a_store_that_balances(folder: Path) -> None:
    with running(folder, "stopped.db") as demo:
        demo.send_signal(signal.SIGINT)
        assert demo.stderr is not None
        rest = demo.stderr.read()
    assert demo.returncode == 130, rest
    assert "worker jobledger.cli.demo.handlers:app" in rest
    assert "Traceback" not in rest
    assert jobledger("audit", "--url", "sqlite:///stopped.db", cwd=folder).returncode == 0


def test_kill_9_leaves_a_store_that_balances_and_makes_way(folder: Path) -> None:
    with running(folder, "killed.db") as demo:
        demo.kill()
    assert demo.returncode == -signal.SIGKILL
    assert jobledger("audit", "--url", "sqlite:///killed.db", cwd=folder).returncode == 0
    again = jobledger("demo", "--limit", "100", "--db", "killed.db", cwd=folder)
    assert again.returncode == 0, again.stderr
