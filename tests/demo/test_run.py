"""The demo, run once on 300 files as a user would run it; its report is checked against itself and from outside."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from jobledger.cli.commands import cli
from tests.demo.commands import jobledger, runs
from tests.waiting import until_blocking

FILES = 300
MEASURE, WATCH = "stdlib.measure", "stdlib.watch"
SAW: dict[str, list[list[str]]] = {
    "not_begun": [[]],
    "in_the_middle": [["nothing yet"]],
    "not_committed": [["returned"], ["raised"]],
}
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
    assert len({one["series"] for one in truth}) == 18  # the eleven, six further ones, and the users' own
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


@pytest.fixture(scope="module")
def seen(report: Report, folder: Path) -> dict[int, Report]:
    """The last word of each attempt in the file of the witnesses, by its fence."""
    lines = (folder / "ran-inputs" / "seen.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["fence"]: line for line in map(json.loads, filter(None, lines))}


def test_a_worker_is_killed_in_the_middle_of_it(report: Report) -> None:
    told = report["takeover"]
    assert 0 < told["jobs"] / 3 <= told["after"] < told["jobs"]
    assert told["lost"]
    pids = [one["pid"] for one in told["crew"]]
    assert told["killed"] in pids[:2]
    assert [told["replacement"]] == pids[2:]
    assert {one["pid"]: one["exit_code"] for one in told["crew"]} == dict.fromkeys(pids, 0) | {told["killed"]: -9}
    assert all(one["attempts"] > 0 for one in told["crew"][:2])
    assert not any(map(runs, pids))


def test_what_it_had_is_done_elsewhere(report: Report) -> None:
    told = report["takeover"]
    for one in told["lost"]:
        assert 0 < one["put_back"] <= one["running_again"] <= one["done_again"]
        assert one["elsewhere"] != one["worker"]
        assert one["outcome"] in {"completed", "retried", "dead_lettered"}
    assert len({one["worker"] for one in told["lost"]}) == 1
    assert told["put_back"] == max(one["put_back"] for one in told["lost"])
    assert told["running_again"] == min(one["running_again"] for one in told["lost"])
    assert told["done_again"] == max(one["done_again"] for one in told["lost"])


def test_the_histories_say_the_same_from_outside(report: Report, folder: Path) -> None:
    told = report["takeover"]
    for one in told["lost"]:
        status = jobledger("status", one["id"], "--url", report["database"], "--json", cwd=folder)
        history = json.loads(status.stdout)["history"]
        place = [entry["event"] for entry in history].index("lost")
        lost, started = history[place : place + 2]
        assert (lost["run"], lost["worker"], lost["reason"]) == (one["run"], one["worker"], "WorkerLost")
        assert (started["event"], started["worker"]) == ("started", one["elsewhere"])
        after = datetime.fromisoformat(started["at"]) - datetime.fromisoformat(told["at"])
        assert after.total_seconds() == one["running_again"]


def test_why_something_was_executed_twice_is_what_its_handler_wrote(report: Report, seen: dict[int, Report]) -> None:
    told = report["takeover"]
    for one in told["lost"]:
        story = [line for _, line in sorted(seen.items()) if line["job_id"] == one["id"]]
        lost = [
            line["saw"]
            for line, after in pairwise([*story, {"attempt": None}])
            if line["pid"] == told["killed"] and (line["ended"] is None or line["attempt"] == after["attempt"])
        ]
        assert lost in SAW[one["how"]]
        assert one["executions"] == len(lost) + 1
    assert told["executed_twice"] == sum(one["how"] == "not_committed" for one in told["lost"])


def test_the_losses_are_counted_and_nothing_of_what_was_lost(report: Report, seen: dict[int, Report]) -> None:
    truth = {(one["type"], one["series"]): one["counted"] for one in report["ground_truth"]}
    assert truth[MEASURE, "jobs_lost_total"] == len(report["takeover"]["lost"])
    assert truth[MEASURE, "jobs_released_total"] == truth[MEASURE, "jobs_stale_settlements_total"] == 0
    once = {line["job_id"]: line["lines"] for line in seen.values() if line["saw"] == "returned"}
    assert truth[MEASURE, "lines_read_total"] == report["lines_read"] == sum(once.values())


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


@contextmanager
def running(folder: Path, name: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A demo that has just killed a worker, and all its workers."""
    command = [sys.executable, "-m", "jobledger", "demo", "--limit", str(FILES), "--db", name]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        said = ""
        while "kill -9" not in said:
            line = demo.stderr.readline()
            assert line, said
            said += line
        yield demo, [int(pid) for pid in re.findall(r"worker (\d+) started", said)]


def test_ctrl_c_leaves_a_store_that_balances(folder: Path) -> None:
    with running(folder, "stopped.db") as (demo, workers):
        demo.send_signal(signal.SIGINT)
        assert demo.stderr is not None
        rest = demo.stderr.read()
    assert demo.returncode == 130, rest
    assert len(workers) == 3
    assert not any(map(runs, workers))
    assert "worker jobledger.cli.demo.handlers:app" in rest
    assert "Traceback" not in rest
    assert jobledger("audit", "--url", "sqlite:///stopped.db", cwd=folder).returncode == 0


def test_kill_9_leaves_a_store_that_balances_and_makes_way(folder: Path) -> None:
    """Its workers notice, and stop as well."""
    with running(folder, "killed.db") as (demo, workers):
        demo.kill()
    assert demo.returncode == -signal.SIGKILL
    until_blocking(lambda: not any(map(runs, workers)), "the orphans have stopped", timeout=30)
    assert jobledger("audit", "--url", "sqlite:///killed.db", cwd=folder).returncode == 0
    again = jobledger("demo", "--limit", "100", "--db", "killed.db", cwd=folder)
    assert again.returncode == 0, again.stderr + again.stdout
    tells_people(again)


def tells_people(ran: subprocess.CompletedProcess[str]) -> None:
    """Without --json it says the same in words, with commands to go on with."""
    for told in ("the books balance", "counters = ground truth", "known-bad", "was killed (signal 9)"):
        assert told in ran.stdout
    for told in ("running", "took over worker"):
        assert told in ran.stderr  # progress, as plain lines
    assert "UnicodeDecodeError" not in ran.stderr  # what fails on purpose is no news
    words = [
        line.partition(" -m jobledger ")[2].split() for line in ran.stdout.splitlines() if " -m jobledger " in line
    ]
    known = {command.name for command in cli.registered_commands} | {group.name for group in cli.registered_groups}
    assert len(words) == 9
    assert {first for first, *_ in words} <= known | {"dlq"}
