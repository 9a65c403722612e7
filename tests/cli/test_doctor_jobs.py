"""The doctor on jobs that wait or run for too long: what on-call people would have to gather from several commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from jobledger.cli.doctor.finding import Level
from jobledger.cli.doctor.jobs import jobs
from tests.cli.test_doctor import one
from tests.desk import Desk, two_types

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.shell import Shell

FINE = [("none has waited for long, and none runs on beyond its timeout", "")]


@pytest.fixture
def desk(store_path: Path) -> Desk:
    return two_types(store_path)


def found(desk: Desk) -> list[tuple[str, str]]:
    """What is found, and what to do; each a warning, unless all is well."""
    findings = [*jobs(desk.store.ledger())]
    assert {one.level for one in findings} == {Level.WARNING if one.do else Level.OK for one in findings}
    return [(one.what, one.do) for one in findings]


def test_jobs_that_start_soon_and_end(desk: Desk) -> None:
    desk.submit("email")
    desk.start()
    desk.submit("email")
    desk.submit("email", delay=60)
    desk.wait(20)
    assert found(desk) == FINE


def test_a_job_that_waits_while_others_have_all_slots(desk: Desk) -> None:
    for _ in range(11):
        desk.submit("email")
    desk.start(slots=10)
    desk.wait(20)
    assert found(desk) == FINE
    desk.wait(20)
    (what, do) = found(desk)[0]
    assert what == "a job of email has been ready for 40s; 10 of 10 slots are used (10 by email)"
    assert do.startswith("see what holds the slots: jobledger list --status processing --oldest-first")


def test_a_job_that_waits_although_slots_are_free(desk: Desk) -> None:
    """They may be of the other kind: for async def, or for threads."""
    desk.submit("report")
    desk.wait(29)
    assert found(desk) == FINE
    desk.wait(62)
    (what, _) = found(desk)[0]
    assert what == "a job of report has been ready for 1m31s; 0 of 10 slots are used"


def test_where_no_worker_lives_another_check_says_so(desk: Desk) -> None:
    desk.submit("email")
    desk.wait(3600)
    assert [one.level for one in jobs(replace(desk.store.ledger(), workers=0, slots=0))] == [Level.OK]


def test_a_job_behind_others_of_its_entity(desk: Desk) -> None:
    for _ in range(2):
        desk.submit("email", entity="customer:1")
    desk.start()
    desk.wait(901)
    assert found(desk) == [
        (
            "a job of email has waited for 15m1s behind other jobs of its entity",
            "see which entity: jobledger list --type email --lane parked --oldest-first",
        )
    ]


def test_attempts_that_run_on(desk: Desk) -> None:
    read = desk.store.ledger()
    email, report = read.probes
    late = replace(read, probes=(replace(email, overdue=1), replace(report, overdue=2)))
    assert [one.what for one in jobs(late)] == [
        "1 attempt runs on although the timeout has passed, of email",
        "2 attempts run on although the timeout has passed, of report",
    ]


def test_it_is_a_check_of_a_file(shell: Shell) -> None:
    shell("migrate")
    assert one(shell, "jobs") == ("ok", FINE[0][0])
