"""The parts of the demo, each on small data; above all, that its checks can fail."""

from pathlib import Path

import pytest

from jobledger._core.reads import JobType, LedgerRead
from jobledger._metrics.snapshot import Snapshot
from jobledger.cli.demo.files import File, find, repair, write_known_bad
from jobledger.cli.demo.handlers import MEASURE, WATCH
from jobledger.cli.demo.mailboxes import inspect
from jobledger.cli.demo.parsing import measured
from jobledger.cli.demo.plan import plan
from jobledger.cli.demo.truth import compare
from jobledger.cli.demo.witness import Heard, Saw, Sighting, Witness


def a_file(number: int, folder: str = "here", size: int = 10) -> File:
    return File(Path(folder) / f"{number}.py", folder, size, decodable=True)


def seen(job_id: str, began: float, ended: float, attempt: int = 1) -> Sighting:
    return Sighting(job_id, MEASURE, "here", attempt, began, ended, Saw.RETURNED)


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


def test_a_counter_that_lies_is_seen() -> None:
    """The books are empty, and the witness has heard of one job."""
    types = (JobType(1, MEASURE, MEASURE), JobType(2, WATCH, WATCH))
    books = Snapshot(LedgerRead(0, {}, types, (), (), 0, 0, 0, frozenset(), {}, None, (1.0,)))
    witness = Witness()
    assert all(one.equal for one in compare(books, witness))
    witness.hear(MEASURE, Heard.ACCEPTED)
    wrong = {one.series for one in compare(books, witness) if not one.equal}
    assert wrong == {"jobs_enqueued_total", "jobs_queue_depth"}
