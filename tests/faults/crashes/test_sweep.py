"""A crash at the N-th call that changes the disk, for as many N as time allows; all of them with `-m slow`.

`python -m tests.faults.crashes` says more of what came of each.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.faults.chaos.finding import told
from tests.faults.crashes.breakages import BREAKAGES
from tests.faults.crashes.strike import CALLS, Strike, tell
from tests.faults.crashes.sweep import FAILS, FULL, KILL, Survived, spread, strikes, survive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

pytestmark = pytest.mark.debian("strace", "strace")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, int]:
    """How many there are in a run to which nothing happens."""
    outcome = tell(tmp_path_factory.mktemp("whole") / "run")
    assert outcome.code == 0, outcome.told
    return outcome.calls


def survived(folder: Path, chosen: Iterable[Strike]) -> list[Survived]:
    """All of these; nothing may be off after any."""
    all_of_them = [survive(folder / str(number), strike) for number, strike in enumerate(chosen)]
    findings = [finding for one in all_of_them for finding in one.findings]
    assert not findings, "\n".join(told(findings))
    return all_of_them


def some(calls: Mapping[str, int], fault: str, many: int, *kinds: str) -> list[Strike]:
    """At about equal distances; not the same ones in every run."""
    every = [strike for strike in strikes(calls, fault) if strike.call in kinds]
    return spread(every, min(many, len(every)), random.random())


def test_a_run_to_which_nothing_happens(calls: Mapping[str, int]) -> None:
    """Its log is copied several times, and the calls are of all kinds."""
    assert {*calls} == {*CALLS}
    assert calls["pwrite64"] > 500
    assert calls["fdatasync"] > 50


@pytest.mark.parametrize("part", range(2))
def test_killed_at_a_write(calls: Mapping[str, int], part: int, tmp_path: Path) -> None:
    ran = survived(tmp_path, some(calls, KILL, 6, "pwrite64"))
    assert sum(one.struck for one in ran) >= 5


@pytest.mark.parametrize("part", range(2))
def test_killed_at_a_sync(calls: Mapping[str, int], part: int, tmp_path: Path) -> None:
    ran = survived(tmp_path, some(calls, KILL, 4, "fdatasync") + some(calls, KILL, 1, "unlink", "ftruncate"))
    assert sum(one.struck for one in ran) >= 4


def test_the_disk_is_full_for_a_while(calls: Mapping[str, int], tmp_path: Path) -> None:
    """Callers are told, and ask again; jobs wait, and go on."""
    ran = survived(tmp_path, some(calls, FULL, 5, "pwrite64"))
    assert {one.error for one in ran} <= {None, "StoreFull"}


def test_a_write_fails(calls: Mapping[str, int], tmp_path: Path) -> None:
    ran = survived(tmp_path, some(calls, FAILS, 4, "pwrite64"))
    assert {one.error for one in ran} <= {None, "StoreError"}


def test_a_sync_fails(calls: Mapping[str, int], tmp_path: Path) -> None:
    """The process ends by it, unless it was one that proves nothing: of a copy of the log, or of the folder."""
    ran = survived(tmp_path, some(calls, FAILS, 6, "fdatasync"))
    assert {one.error for one in ran} <= {None, "DiskFailed", "OutcomeUnknown"}
    assert any(one.error for one in ran)


@pytest.mark.parametrize("breakage", ["early-answers", "ledger-apart"])
def test_what_is_broken_is_found(calls: Mapping[str, int], breakage: str, tmp_path: Path) -> None:
    """So the checks above can fail. The third one would take longer to hit, and is found after power cuts."""
    every = [strike for strike in strikes(calls, KILL, breakage) if strike.call == "pwrite64"]
    for number, strike in enumerate(random.sample(every, 20)):
        if BREAKAGES[breakage].found_by in {one.rule for one in survive(tmp_path / str(number), strike).findings}:
            return
    pytest.fail(f"nobody has found {breakage}")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", [KILL, FULL, FAILS])
def test_every_single_call(calls: Mapping[str, int], fault: str, tmp_path: Path) -> None:
    assert all(one.struck for one in survived(tmp_path, strikes(calls, fault))[:50])
