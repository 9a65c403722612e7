import json
from collections import Counter

import pytest

from jobledger._clock import SystemClock
from jobledger._store.open import open_store
from jobledger._store.sqlite import lists
from tests.cli.shell import Shell


def test_nothing_yet(shell: Shell) -> None:
    shell("migrate")
    result = shell("list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no jobs\n")


def test_the_newest_first(shell: Shell) -> None:
    ids = [shell.submit("endless") for _ in range(3)]
    assert [line.split()[0] for line in shell("list").stdout.splitlines()] == ["ID", *reversed(ids)]
    assert [line.split()[0] for line in shell("list", "--oldest-first").stdout.splitlines()[1:]] == ids


def test_filters(shell: Shell) -> None:
    mine = shell.submit("endless", "--entity", "e", "--batch-id", "b")
    dead = shell.submit("poison")
    shell("cancel", mine)
    shell.work_off()
    for words in (("--status", "cancelled"), ("--type", "endless"), ("--entity", "e"), ("--batch", "b")):
        assert [job["id"] for job in shell.json("list", *words)["jobs"]] == [mine], words
    assert [job["id"] for job in shell.json("list", "--status", "failed")["jobs"]] == [dead]


def test_a_filter_may_be_repeated(shell: Shell) -> None:
    mail, dead = shell.submit("email.send", '{"to": "a"}'), shell.submit("poison")
    shell.work_off()
    later = shell.submit("email.send", '{"to": "b"}', "--delay", "99")

    def listed(*words: str) -> list[str]:
        return [job["id"] for job in shell.json("list", "--oldest-first", *words)["jobs"]]

    assert listed("--type", "email.send", "--type", "poison") == [mail, dead, later]
    assert listed("--status", "failed", "--status", "queued") == [dead, later]
    assert listed("--lane", "scheduled") == listed("--status", "queued", "--lane", "scheduled") == [later]
    assert listed("--lane", "ready", "--lane", "parked") == []
    assert listed("--reason", "MaxAttempts") == [dead]
    assert listed("--status", "failed", "--type", "email.send") == []


def test_jobs_of_a_time(shell: Shell) -> None:
    job_id = shell.submit("poison")
    shell.work_off()
    ended = shell.json("status", job_id)["ended_at"]
    for words, count in (
        (("--submitted-since", "1h"), 1), (("--submitted-until", "1h"), 0), (("--ended-since", "2h"), 1),
        (("--ended-since", "3d", "--ended-until", "1m"), 0), (("--submitted-since", "2026-01-31"), 1),
        (("--submitted-since", "9w", "--submitted-until", "8999-12-31T23:00+02:00"), 1), (("--ended-since", ended), 1),
        (("--ended-until", ended), 0),
    ):  # fmt: skip
        assert len(shell.json("list", *words)["jobs"]) == count, words


def test_how_many_there_are(shell: Shell) -> None:
    shell.submit("email.send", '[{"to": "a"}, {"to": "b"}]', "--entity", "e")
    shell.submit("poison")
    shell.work_off()
    shell.submit("email.send", '[{"to": "a"}, {"to": "b"}]', "--entity", "e")
    shell.submit("email.send", '{"to": "a"}', "--delay", "99")
    shell("cancel", shell.submit("endless"))
    counts = {one["type"]: one for one in shell.json("list", "--count")["counts"]}
    nothing = dict.fromkeys(("queued", "processing", "complete", "failed", "cancelled", "discarded"), 0)
    assert counts["email.send"] == {"type": "email.send", **nothing, "queued": 3, "complete": 2}
    assert counts["poison"] == {"type": "poison", **nothing, "failed": 1}
    assert counts["endless"] == {"type": "endless", **nothing, "cancelled": 1}
    assert shell.json("list", "--count", "--type", "email.send", "--lane", "ready", "--lane", "parked") == {
        "counts": [{"type": "email.send", "ready": 1, "parked": 1}]
    }
    rows = [line.split() for line in shell("list", "--count", "--status", "failed").stdout.splitlines()]
    assert rows[:2] == [["TYPE", "FAILED"], ["(all)", "1"]]
    assert ["poison", "1"] in rows


def test_counts_are_what_the_rows_say(shell: Shell) -> None:
    """Also when jobs were forgotten, and dead letters replayed and discarded."""
    shell("submit", "email.send", json.dumps([{"to": "a"}] * 5), "--app", shell.target)
    dead = [shell.submit("poison") for _ in range(3)]
    shell.work_off()
    shell("dlq", "replay", dead[0])
    shell("dlq", "discard", dead[1])
    store = open_store(shell.url, lambda: SystemClock().now() + 10**9)
    assert store.prune(1, 2) == 2
    store.close()
    jobs = shell.json("list", "--limit", "1000")["jobs"]
    for one in shell.json("list", "--count")["counts"]:
        mine = Counter(job["status"] for job in jobs if job["type"] == one["type"])
        assert {name: number for name, number in one.items() if number and name != "type"} == mine


def test_a_short_page_says_that_there_is_more(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    rare = shell.submit("poison")
    shell("submit", "endless", json.dumps([{}] * 100))
    monkeypatch.setattr(lists, "GLANCE", 1)
    monkeypatch.setattr(lists, "SLICE", 2)
    result = shell("list", "--type", "poison")
    assert result.stdout == ""
    assert result.stderr.startswith("looked through a million jobs for these jobs, and there are more: --after ")
    after = result.stderr.split()[-1]
    page = shell.json("list", "--type", "poison", "--after", after)
    assert (page["jobs"], page["next"] is None) == ([], False)
    monkeypatch.setattr(lists, "SLICE", 1_000)
    assert [job["id"] for job in shell.json("list", "--type", "poison", "--after", after)["jobs"]] == [rare]


def test_pages(shell: Shell) -> None:
    ids = [shell.submit("endless") for _ in range(5)]
    seen: list[str] = []
    words: tuple[str, ...] = ()
    while True:
        page = shell.json("list", "--limit", "2", *words)
        seen += [job["id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        words = ("--after", page["next"])
    assert seen == ids[::-1]
    assert "more: --after " in shell("list", "--limit", "2").stderr


def test_payloads_are_not_shown(shell: Shell) -> None:
    shell.submit("email.send", '{"to": "secret@b.c"}')
    assert "secret" not in shell("list").output
    assert "secret" not in shell("list", "--json").output


def test_a_plain_list_can_be_cut(shell: Shell) -> None:
    shell.submit("email.send", '{"to": "a"}', "--entity", "customer: 42")
    head, row = shell("list").stdout.splitlines()
    assert row[head.index("ENTITY") : head.index("FAILED")].rstrip() == "customer: 42"
    assert row.endswith("  -")
