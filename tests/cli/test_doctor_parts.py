"""Parts of the doctor that look more than once: what comes and goes is no finding."""

from __future__ import annotations

import itertools
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from jobledger.cli.doctor import disk, in_use, locks, procs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jobledger.cli.doctor.patient import Patient


@pytest.mark.parametrize(
    ("seen", "holder"),
    [
        (itertools.repeat(5), 5),
        (itertools.repeat(0), 0),
        (itertools.repeat(None), None),
        (itertools.cycle([5, 6]), None),
        (itertools.chain([5, 5, None], itertools.repeat(5)), None),
    ],
    ids=["always one", "always one that can't be seen", "nobody", "now this one, now that", "with a break"],
)
def test_who_holds_a_lock_all_the_time(
    monkeypatch: pytest.MonkeyPatch, seen: Iterable[int | None], holder: int | None
) -> None:
    monkeypatch.setattr(locks, "_PATIENCE", 0.1)
    looks = iter(seen)
    assert locks._steady(lambda: next(looks)) == holder


def test_who_reads_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.chain([{3, 4, 5}, {4, 5}], itertools.repeat({5, 4, 6}))
    monkeypatch.setattr(disk, "_PATIENCE", 0.2)
    monkeypatch.setattr("jobledger.cli.doctor.disk.holders.readers", lambda _: frozenset(next(looks)))
    assert disk._lasting_readers(cast("Patient", SimpleNamespace(shm=None))) == [4, 5]


@pytest.mark.parametrize(
    ("opened", "missing"),
    [
        (["jobs.db", "jobs.db-lock"], []),
        (["jobs.db"], ["jobs.db-lock"]),
        (["jobs.db-lock"], ["jobs.db"]),
        ([], []),
        (["elsewhere"], []),
    ],
)
def test_who_has_one_file_of_a_store_open_has_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[str], missing: list[str]
) -> None:
    """Known by what it is, not by its name: in a container it may lie elsewhere."""
    for name in ("jobs.db", "jobs.db-lock", "elsewhere"):
        (tmp_path / name).touch()
    patient = cast("Patient", SimpleNamespace(path=tmp_path / "jobs.db", lock=tmp_path / "jobs.db-lock"))
    found: list[Any] = [(f"/mounted/{name}", (tmp_path / name).stat()) for name in opened]
    monkeypatch.setattr(in_use, "open_files", lambda _: iter(found))
    assert [file.name for file in in_use._others(patient, 1)] == missing


def test_who_has_both_files_open_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All was deleted and made anew."""
    files = [tmp_path / "jobs.db", tmp_path / "jobs.db-lock"]
    for file in files:
        file.touch()
    found: list[Any] = [(str(file), os.stat_result((0, -1, -1, 0, 0, 0, 0, 0, 0, 0))) for file in files]
    monkeypatch.setattr(in_use, "open_files", lambda _: iter(found))
    assert [*in_use._others(cast("Patient", SimpleNamespace(path=files[0], lock=files[1])), 1)] == files


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (5_000_000, "4.8 MiB"), (2**40 * 5000, "5000.0 TiB")],
)
def test_sizes(count: int, words: str) -> None:
    assert disk.size(count) == words


def test_a_process_that_is_not_there() -> None:
    gone = 2**22 + 1
    assert (procs.state(gone), procs.user(gone), procs.groups(gone), procs.limit(gone, "x")) == (
        None, None, frozenset(), None,
    )  # fmt: skip
    assert (procs.is_stopped(gone), procs.is_stopped(0), procs.is_stopped(None)) == (False, False, False)
    assert [*procs.open_files(gone)] == []
    assert procs.described(gone) == f"process {gone}"
    assert procs.described(0) == "a process that can't be seen from here (in another container?)"


def test_names_of_users() -> None:
    assert procs.user_name(0) == "root"
    assert procs.user_name(2**31 - 7) == str(2**31 - 7)
