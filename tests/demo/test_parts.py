"""The parts of the demo, each on small data; above all, that its checks can fail."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from jobledger import Context
from jobledger._core.job import EventName
from jobledger._core.reads import JobType, LedgerRead
from jobledger._metrics.snapshot import Snapshot
from jobledger.cli.demo.answers import Answers, Heard
from jobledger.cli.demo.crew import Crew
from jobledger.cli.demo.files import File, find, repair, write_known_bad
from jobledger.cli.demo.handlers import MEASURE, WATCH
from jobledger.cli.demo.mailboxes import inspect
from jobledger.cli.demo.parsing import measured
from jobledger.cli.demo.plan import plan
from jobledger.cli.demo.sightings import Fates, Sightings, fates_of
from jobledger.cli.demo.strike import _busy
from jobledger.cli.demo.takeover import How, TakenOver
from jobledger.cli.demo.truth import compare
from jobledger.cli.demo.witness import Saw, Sighting, Witness

ALIVE, DEAD = 1, 2


def a_file(number: int, folder: str = "here", size: int = 10) -> File:
    return File(Path(folder) / f"{number}.py", folder, size, decodable=True)


def seen(
    job_id: str, began: float, ended: float | None, attempt: int = 1, *, pid: int = ALIVE, saw: Saw = Saw.RETURNED
) -> Sighting:
    return Sighting(job_id, MEASURE, "here", attempt, int(began), pid, began, ended, saw, lines=100)


def test_files_are_found_without_caches_and_packages(tmp_path: Path) -> None:
    for name in ("b.py", "sub/a.bin", "__pycache__/b.pyc", "site-packages/other.py", "sub/__pycache__/c.pyc"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\xff" if name.endswith("bin") else b"x = 1\n")
    found = find(tmp_path)
    assert [(file.path.name, file.folder, file.decodable) for file in found] == [
        ("b.py", ".", True),
        ("a.bin", "sub", False),
    ]


@pytest.mark.parametrize(
    ("kib", "priority"), [(1, "critical"), (4, "critical"), (5, "high"), (17, "normal"), (65, "low")]
)
def test_a_small_file_is_urgent(kib: int, priority: str) -> None:
    assert a_file(1, size=kib * 1024).priority == priority


def test_known_bad_files_fail_until_they_are_repaired(tmp_path: Path) -> None:
    first, second = write_known_bad(tmp_path, 2)
    with pytest.raises(SyntaxError):
        measured(first.path.read_text(), first.path.name)
    assert not second.decodable
    repair(first)
    assert measured(first.path.read_text(), first.path.name).functions == 1


def test_functions_are_found_wherever_a_statement_may_stand() -> None:
    text = """
class A:
    async def a(self): ...
try:
    def b(): ...
except OSError:
    def c(): ...
finally:
    match 1:
        case _:
            def d(): return lambda: 1
"""
    found = measured(text, "x.py")
    assert (found.kind, found.functions, found.classes) == ("python", 4, 1)


def test_what_is_not_called_python_is_not_parsed() -> None:
    found = measured("def (\n", "notes.txt")
    assert (found.kind, found.lines, found.words) == ("text", 1, 2)


def test_no_job_gets_two_treatments(tmp_path: Path) -> None:
    files = [a_file(number, "deep" if number % 2 else "flat") for number in range(100)]
    planned = plan(tmp_path, files, tmp_path / "inputs")
    treatments = (planned.delayed, planned.doubled, planned.cancelled, planned.overtaken)
    assert [len(treatment) for treatment in treatments] == [8, 8, 8, 8]
    assert len(frozenset().union(*treatments)) == 32
    assert planned.known_bad == 20
    assert planned.item(planned.repairable).payload["path"].endswith("known-bad-01.py")


def test_an_overlap_in_a_mailbox_is_seen() -> None:
    sightings = [seen("a", 0, 2), seen("b", 1, 3), seen("c", 3, 4)]
    assert inspect(sightings, ["a", "b", "c"], ()).overlaps == 1


def test_a_wrong_order_in_a_mailbox_is_seen() -> None:
    sightings = [seen("b", 0, 1), seen("a", 1, 2), seen("b", 2, 3, attempt=2), seen("late", 3, 4)]
    assert inspect(sightings, ["late", "a", "b"], {"late"}).out_of_order == 1


def test_what_was_killed_overlaps_with_nothing_after_the_kill() -> None:
    killed = seen("a", 0, None, pid=DEAD, saw=Saw.NOTHING)
    assert inspect([killed, seen("a", 2, 3)], ["a"], (), killed=1.5).overlaps == 0
    assert inspect([killed, seen("a", 1, 3)], ["a"], (), killed=1.5).overlaps == 1


@pytest.mark.parametrize(
    "story",
    [
        [seen("a", 0, None, pid=DEAD, saw=Saw.NOTHING), seen("a", 5, 6)],
        [seen("a", 0, 1, pid=DEAD), seen("a", 5, 6)],
        [seen("a", 0, 1, 2, pid=DEAD, saw=Saw.RAISED), seen("a", 5, 6, 2, saw=Saw.RAISED), seen("a", 7, 8, 3)],
        [seen("a", 0, None, pid=DEAD, saw=Saw.NOTHING)],
    ],
    ids=["never ended", "returned, and began again", "failed, and the same attempt again", "never seen again"],
)
def test_an_attempt_is_lost(story: list[Sighting]) -> None:
    fates = fates_of(story, {DEAD})
    assert list(fates.lost) == story[:1]
    assert list(fates.settled) == story[1:]


@pytest.mark.parametrize(
    "story",
    [
        [seen("a", 0, 1, pid=DEAD)],
        [seen("a", 0, 1, 1, pid=DEAD, saw=Saw.RAISED), seen("a", 5, 6, 2)],
        [seen("a", 0, 1, 3, pid=DEAD, saw=Saw.RAISED), seen("a", 5, 6, 1)],
        [seen("a", 0, 1), seen("a", 5, 6)],
        [seen("a", 0, None, saw=Saw.NOTHING)],
        [seen("a", 0, 1, pid=DEAD), seen("b", 5, 6)],
    ],
    ids=["returned", "failed and retried", "dead and replayed", "alive, though it ran twice", "alive", "two jobs"],
)
def test_an_attempt_is_not_lost(story: list[Sighting]) -> None:
    assert fates_of(story, {DEAD}) == Fates(tuple(story), ())


def test_a_witness_has_written_down_the_beginning_before_anything_else(tmp_path: Path) -> None:
    sightings, witness = Sightings(tmp_path / "seen.jsonl"), Witness()
    witness.write_to(sightings.path)
    context = SimpleNamespace(job_id="a", type=MEASURE, entity="here", attempt=1, fence=7)
    with witness.attempt(cast("Context", context)) as sighting:
        sightings.look()
        assert [(one.fence, one.saw) for one in sightings] == [(7, Saw.NOTHING)]
        sighting.lines = 5
    sightings.look()
    assert [(one.fence, one.saw, one.lines) for one in sightings] == [(7, Saw.RETURNED, 5)]


def test_the_last_word_of_each_attempt_is_read_and_half_a_word_is_none(tmp_path: Path) -> None:
    sightings = Sightings(tmp_path / "seen.jsonl")
    sightings.look()
    assert list(sightings) == []
    first, second = seen("a", 1, None, saw=Saw.NOTHING), seen("b", 2, None, pid=DEAD, saw=Saw.NOTHING)
    lines = [msgspec.json.encode(one) for one in (first, second, seen("b", 2, 4, pid=DEAD))]
    sightings.path.write_bytes(b"\n%b\n\n%b\n\n%b" % (lines[0], lines[1], lines[2][:40]))
    sightings.look()
    assert list(sightings) == [first, second]
    with sightings.path.open("ab") as file:  # the writer of half a word is dead: another one goes on behind it
        file.write(b"\n%b\n" % msgspec.json.encode(seen("a", 1, 3)))
    sightings.look()
    assert list(sightings) == [seen("a", 1, 3), second]
    assert (sightings.running(DEAD), sightings.ended(ALIVE), sightings.ended(DEAD)) == ([second], 1, 0)


@pytest.mark.parametrize(("elsewhere", "done", "is_sound"), [(3, 2.0, True), (2, 2.0, False), (3, None, False)])
def test_what_was_lost_must_be_done_again_by_another(elsewhere: int, done: float | None, is_sound: bool) -> None:
    taken = TakenOver(
        id="a", path="a.py", run=1, worker=2, put_back=1.0, elsewhere=elsewhere, running_again=1.5, done_again=done,
        outcome=EventName.COMPLETED, executions=2, how=How.NOT_COMMITTED,
    )  # fmt: skip
    assert taken.sound is is_sound


def test_a_counter_that_lies_is_seen() -> None:
    """The books are empty, and the witnesses have heard of one job, or seen one lost."""
    types = (JobType(1, MEASURE, MEASURE), JobType(2, WATCH, WATCH))
    books = Snapshot(LedgerRead(0, {}, types, (), (), 0, 0, 0, frozenset(), {}, None, (1.0,)))
    answers, nothing = Answers(), Fates((), ())
    assert all(one.equal for one in compare(books, nothing, answers))
    lost = Fates((), (seen("a", 0, 1, pid=DEAD),))
    of_a_loss = {"jobs_failed_total", "jobs_lost_total", "jobs_retried_total", "jobs_wait_duration_seconds"}
    assert {one.series for one in compare(books, lost, answers) if not one.equal} == of_a_loss
    assert {one.series for one in compare(books, nothing, answers, unseen=1) if not one.equal} == of_a_loss
    answers.hear(MEASURE, Heard.ACCEPTED)
    wrong = {one.series for one in compare(books, nothing, answers) if not one.equal}
    assert wrong == {"jobs_enqueued_total", "jobs_queue_depth"}


def test_who_has_watched_is_not_killed(tmp_path: Path) -> None:
    """Its cancelled attempt may have ended without a commit, and no other attempt would tell."""
    sightings = Sightings(tmp_path / "seen.jsonl")
    watched = Sighting("w", WATCH, "here", 1, 1, DEAD, 0.0, 1.0, Saw.STOPPED, lines=0)
    busy = (seen("a", 2, None, pid=DEAD), seen("b", 3, None))
    sightings.path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in (watched, *busy)))
    sightings.look()
    workers = [SimpleNamespace(pid=pid, works=True) for pid in (DEAD, ALIVE)]
    victim = _busy(cast("Crew", SimpleNamespace(workers=workers)), sightings)
    assert victim is not None
    assert victim.pid == ALIVE
