"""``python -m tests.faults.simulation``."""

import sys

import pytest

from tests.faults.simulation.__main__ import main
from tests.faults.simulation.mutants import sql


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["simulation", *arguments])
    return main()


def test_many_seeds_are_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(monkeypatch, "--seeds", "3", "--from", "20") == 0
    told = capsys.readouterr().out
    for line in ("3 seeds\n", " jobs\n", " virtual hours\n", "0 seeds with findings\n"):
        assert line in told


def test_one_seed_is_replayed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(monkeypatch, "--seed", "20", "--trace") == 0
    told = capsys.readouterr().out
    assert " starts\n" in told
    assert "digest " in told


def test_a_finding_names_its_seed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    sql("head", "ORDER BY seq", "ORDER BY seq DESC")(monkeypatch)
    assert asked(monkeypatch, "--seeds", "5") == 1
    told = capsys.readouterr().out
    assert "seed 0: python -m tests.faults.simulation --seed 0 --trace" in told
    assert "in the order of their submission" in told
