"""The doctor: whatever a store is, it says what is wrong and what to do, and changes nothing."""

from __future__ import annotations

import json
import os
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import apsw
import pytest
from typer.testing import CliRunner

from jobledger._store.sqlite.connection import APPLICATION_ID, PACKAGE
from jobledger._store.statements import migrations
from jobledger.cli.commands import cli
from jobledger.cli.doctor.checks import CHECKS
from tests.cli.test_bad_input import a_folder, contents, not_a_database, of_another_program, of_the_future
from tests.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.shell import Shell

EMAIL = '{"to": "a"}'


def told(shell: Shell, *words: str) -> dict[str, list[dict[str, Any]]]:
    """The findings by check."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in json.loads(shell("doctor", *words, "--json").stdout)["checks"]:
        found.setdefault(one["check"], []).append(one)
    return found


def one(shell: Shell, check: str, *words: str) -> tuple[str, str]:
    """Result and finding of a check that has only one."""
    (finding,) = told(shell, *words)[check]
    return finding["result"], finding["finding"]


def wrong(found: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What is not ok, but for what depends on the machine of the tests."""
    machine = {"file system", "disk space", "limits", "extras"}
    return [one for check in found if check not in machine for one in found[check] if one["result"] != "ok"]


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    """All that is in a folder, sockets and pipes as well."""
    found = {path: path.lstat() for path in folder.rglob("*") if "__pycache__" not in path.parts}
    return {str(path): (state.st_mode, state.st_mtime_ns) for path, state in found.items()}


def test_a_store_in_good_health(shell: Shell) -> None:
    shell("migrate")
    before = contents(shell.folder), everything(shell.folder)
    result = shell("doctor", "--deep")
    assert result.exit_code == 0
    found = told(shell, "--deep")
    assert {check.name for check in CHECKS} - set(found) <= {"open files", "unhandled"}
    assert [one["finding"] for one in wrong(found)] == ["?durability=off is for tests: a power cut can damage the file"]
    assert result.stdout.splitlines()[0].split() == ["CHECK", "RESULT", "FINDING"]
    assert (contents(shell.folder), everything(shell.folder)) == before


def test_one_document_for_programs(shell: Shell, store_path: Path) -> None:
    result = shell("doctor", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (1, "")
    assert (document["store"], document["healthy"], document["broken"]) == (shell.url, False, 1)
    (store,) = [finding for finding in document["checks"] if finding["check"] == "store"]
    assert store == {
        "check": "store", "result": "broken", "finding": f"there is no file {store_path}",
        "do": "correct the URL; or start a worker or `jobledger migrate` to make a store",
    }  # fmt: skip


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_circle(path: Path) -> None:
    path.symlink_to(path)


def an_empty_file(path: Path) -> None:
    path.touch()


def a_damaged_store(path: Path) -> None:
    with closing(SqliteFile(path)(lambda: 0)) as store:
        store.declare((), 10)
    SqliteFile(path).forget()
    path.write_bytes(path.read_bytes()[:100] + b"\x77" * 8_000)


@pytest.mark.unaudited("there is no store")
@pytest.mark.parametrize("words", [(), ("--deep",)], ids=["quick", "deep"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda _: None, "there is no file "),
        (not_a_database, "the file is not a jobledger store"),
        (of_another_program, "the file is an SQLite database of another program"),
        (of_the_future, "the file has schema 999, this jobledger knows up to "),
        (a_folder, "is a directory"),
        (a_pipe, "is a pipe"),
        (a_circle, "can't be looked at: Too many levels of symbolic links"),
        (an_empty_file, "the file is empty"),
        (a_damaged_store, "the file is damaged"),
    ],
)
def test_a_file_that_is_no_store(
    shell: Shell, store_path: Path, spoil: Callable[[Path], None], message: str, words: tuple[str, ...]
) -> None:
    spoil(store_path)
    before = everything(shell.folder)
    result = shell("doctor", *words)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("1 broken")
    assert one(shell, "store", *words)[0] == "broken"
    assert message in one(shell, "store", *words)[1]
    assert told(shell)["store"][0]["do"]
    assert everything(shell.folder) == before
    if store_path.is_symlink():
        store_path.unlink()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("missing/jobs.db", "there is no directory "),
        ("file/jobs.db", "can't be looked at: Not a directory"),
    ],
)
def test_a_path_that_leads_nowhere(shell: Shell, place: str, message: str) -> None:
    (shell.folder / "file").touch()
    shell.url = f"sqlite:///{shell.folder}/{place}"
    before = everything(shell.folder)
    assert message in one(shell, "store")[1]
    assert [name for name, found in told(shell).items() if found[0]["result"] == "broken"] == ["store"]
    assert everything(shell.folder) == before


def test_a_path_that_no_file_can_have(shell: Shell) -> None:
    shell.url = f"sqlite:///{shell.folder}/{'a' * 300}.db"
    before = everything(shell.folder)
    assert (
        "is too long for a path on this system: use a shorter one"
        in json.loads(shell("doctor", "--json").stdout)["error"]["message"]
    )
    assert everything(shell.folder) == before


@pytest.mark.unaudited("its schema is too old for an audit")
def test_an_older_schema_is_a_warning(shell: Shell, store_path: Path) -> None:
    number, text = migrations(PACKAGE)[0]
    with closing(apsw.Connection(str(store_path))) as connection:
        connection.execute(text)
        connection.execute("INSERT INTO book (one, number, now, boundaries) VALUES (1, 0, 0, '[1.0]')")
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", number)
    before = contents(shell.folder)
    assert shell("doctor", "--deep").exit_code == 0
    result, finding = one(shell, "store")
    assert (result, finding.partition(",")[0]) == ("warning", f"schema {number}")
    assert "audit" not in told(shell, "--deep")
    assert contents(shell.folder) == before


def test_what_names_the_store(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("migrate")
    assert f"{shell.url}, from --url" in told(shell)["url"][0]["finding"]
    monkeypatch.setenv("JOBLEDGER_URL", "sqlite:///jobs.db")
    by_environment = CliRunner().invoke(cli, ["doctor"]).stdout
    assert f"from JOBLEDGER_URL; relative to this directory, so it is {shell.folder / 'jobs.db'}" in by_environment
    by_app = CliRunner().invoke(cli, ["doctor", "--app", shell.target]).stdout
    assert f"from --app {shell.target}" in by_app


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "which store? Give --url"),
        (("--url", "mysql://u:secret@host/db"), "names no store"),
        (("--url", "sqlite:///jobs.db?mode=ro"), "the URL takes ?durability="),
        (("--app", "nowhere:app"), "there is no module 'nowhere'"),
    ],
)
def test_a_wrong_call(shell: Shell, words: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(cli, ["doctor", *words])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.parametrize("width", [80, 60])
def test_it_fits_a_terminal(shell: Shell, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    shell("submit", "email.send", EMAIL, "--app", shell.target)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    out = shell("doctor").stdout
    plain = out.replace("\x1b[", "\0").split("\0")
    lines = (plain[0] + "".join(part.partition("m")[2] for part in plain[1:])).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    assert "\x1b[32mok" in out
    assert "\x1b[33mwarning" in out
    assert "What to do" in out


# The books and the file


def test_the_last_audit_of_a_worker(shell: Shell, store_path: Path) -> None:
    shell("migrate")
    assert one(shell, "books") == ("ok", "no worker has audited them yet; --deep does it now")
    with closing(SqliteFile(store_path)(lambda: 10**15)) as store:
        store.sample(0)
        assert one(shell, "books")[1].startswith("balanced at the last audit by a worker, ")
        store.sample(3)
    assert shell("doctor").exit_code == 1
    assert one(shell, "books")[1].startswith("out of balance: 3 findings, ")


@pytest.mark.unaudited("a number is changed behind the books' back")
def test_books_that_do_not_balance_now(shell: Shell, store_path: Path) -> None:
    shell("submit", "email.send", EMAIL, "--app", shell.target)
    assert one(shell, "audit", "--deep")[0] == "ok"
    with closing(apsw.Connection(str(store_path))) as connection:
        connection.execute("UPDATE job SET lane = 'complete'")
    assert shell("doctor").exit_code == 0
    assert shell("doctor", "--deep").exit_code == 1
    assert one(shell, "audit", "--deep")[1].startswith("out of balance now: ")


@pytest.mark.unaudited("the file is damaged")
def test_a_file_that_is_damaged_somewhere(shell: Shell, store_path: Path) -> None:
    shell("submit", "email.send", json.dumps([{"to": "x" * 900}] * 200), "--app", shell.target)
    whole = store_path.read_bytes()
    store_path.write_bytes(whole[:-40_960] + b"\x77" * 40_960)
    assert one(shell, "store")[0] == "ok"
    assert shell("doctor", "--deep").exit_code == 1
    assert one(shell, "integrity", "--deep")[0] == "broken"
    store_path.write_bytes(whole)
    assert one(shell, "integrity", "--deep")[0] == "ok"


def test_a_clock_that_was_ahead(shell: Shell, store_path: Path) -> None:
    shell("migrate")
    with closing(apsw.Connection(str(store_path))) as connection:
        connection.execute("UPDATE book SET now = (unixepoch() + 7200) * 1000000")
    result, finding = one(shell, "clock")
    assert result == "warning"
    assert finding.startswith(("the store's clock is 2 h ahead", "the store's clock is 120 min ahead"))
    assert "made good in 4 h" in told(shell)["clock"][0]["do"]


@pytest.mark.parametrize("wall", [1_000_000.0, 5e9])
def test_a_wall_clock_that_is_wrong(shell: Shell, monkeypatch: pytest.MonkeyPatch, wall: float) -> None:
    shell("migrate")
    monkeypatch.setattr("jobledger.cli.doctor.clocks.time.time", lambda: wall)
    assert one(shell, "clock")[0] == "broken"


# Who may do what


def test_files_of_several_users(shell: Shell, store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("migrate")
    names = {0: "root", os.geteuid(): "alice", 4242: "bob"}
    monkeypatch.setattr("jobledger.cli.doctor.permissions.user_name", names.__getitem__)
    assert one(shell, "permissions")[0] == "ok"
    lock = store_path.with_name(f"{store_path.name}-lock")
    really = type(lock).stat

    def foreign(path: Path, **options: Any) -> os.stat_result:
        found = really(path, **options)
        return os.stat_result((*found[:4], 4242, *found[5:])) if path == lock else found

    monkeypatch.setattr(type(lock), "stat", foreign)
    result, finding = one(shell, "permissions")
    assert (result, finding.partition(",")[0]) == ("warning", "the files belong to several users: jobs.db of alice")
    assert finding.endswith(f"{lock.name} of bob")


def test_a_lock_file_that_others_may_not_write(shell: Shell, store_path: Path) -> None:
    shell("migrate")
    for file in shell.folder.glob("jobs.db*"):
        file.chmod(0o664)
    lock = store_path.with_name(f"{store_path.name}-lock")
    lock.chmod(0o644)
    result, finding = one(shell, "permissions")
    assert (result, finding.partition(" (")[0]) == ("warning", f"others may write jobs.db, but not {lock.name}")
    assert told(shell)["permissions"][0]["do"] == f"chmod 664 {lock}"
    lock.chmod(0o664)
    assert one(shell, "permissions")[0] == "ok"


def test_a_user_who_may_not_write_or_read(shell: Shell, store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system would answer somebody else: permissions don't bind root."""
    shell("migrate")
    barred = {store_path: os.W_OK, store_path.with_name("jobs.db-lock"): os.W_OK}
    monkeypatch.setattr(
        "jobledger.cli.doctor.permissions.os.access", lambda path, what, **_: not what & barred.get(path, 0)
    )
    result, finding = one(shell, "permissions")
    assert result == "warning"
    assert "can't write jobs.db (" in finding
    assert "jobs.db-lock (" in finding
    barred[store_path] = os.R_OK
    assert [one["result"] for one in told(shell)["permissions"]] == ["broken", "warning"]
    assert shell("doctor").exit_code == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions don't bind root")
def test_a_file_that_may_not_be_read(shell: Shell, store_path: Path) -> None:
    shell("migrate")
    store_path.chmod(0)
    assert shell("doctor").exit_code == 1
    assert one(shell, "store") == ("broken", "cannot open the file")
    store_path.chmod(0o600)


# What it lies on, and what the system allows


def test_a_network_file_system(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("migrate")
    for where in ("jobledger.cli.doctor.disk", "jobledger._store.sqlite.filesystem"):
        monkeypatch.setattr(f"{where}.network_filesystem", lambda _: "nfs4")
    result = shell("doctor")
    assert result.exit_code == 1
    assert one(shell, "file system")[1].startswith("on a network file system (nfs4)")
    shell.url += "&filesystem=any"
    assert one(shell, "file system")[0] == "warning"
    assert shell("doctor").exit_code == 0


@pytest.mark.parametrize(
    ("kind", "result", "finding"),
    [("ext4", "ok", "on a disk of this machine"), (None, "ok", "on a disk of this machine"),
     ("tmpfs", "warning", "in memory (tmpfs)"), ("overlay", "warning", "in a container's own layer (overlay)")],
)  # fmt: skip
def test_a_file_system_that_does_not_last(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, kind: str | None, result: str, finding: str
) -> None:
    """Every commit is synced, and all of it is gone with the machine or the container."""
    shell("migrate")
    monkeypatch.setattr("jobledger.cli.doctor.disk.filesystem_type", lambda _: kind)
    found = one(shell, "file system")
    assert found[0] == result
    assert found[1].startswith(finding)


def space(free: int, inodes: int, flags: int = 0) -> Callable[[object], os.statvfs_result]:
    return lambda _: os.statvfs_result((4096, 4096, 10**6, free, free, 10**6, inodes, inodes, flags, 255))


@pytest.mark.parametrize(
    ("free", "inodes", "result"),
    [(10**6, 10**5, "ok"), (50_000, 10**5, "warning"), (100, 10**5, "broken"), (10**6, 500, "warning"),
     (10**6, 5, "broken")],
)  # fmt: skip
def test_a_disk_with_little_space(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, free: int, inodes: int, result: str
) -> None:
    shell("migrate")
    monkeypatch.setattr("jobledger.cli.doctor.disk.os.statvfs", space(free, inodes))
    assert one(shell, "disk space")[0] == result


def test_a_file_system_that_is_mounted_read_only(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("migrate")
    monkeypatch.setattr("jobledger.cli.doctor.disk.filesystem_type", lambda _: "ext4")
    monkeypatch.setattr("jobledger.cli.doctor.disk.os.statvfs", space(10**6, 10**5, os.ST_RDONLY))
    assert [one["result"] for one in told(shell)["file system"]] == ["ok", "broken"]


@pytest.mark.parametrize(
    ("largest", "files", "results"),
    [(-1, 1_024, ["ok"]), (10**9, 1_024, ["warning"]), (100_000, 1_024, ["broken"]), (-1, 100, ["warning"]),
     (100_000, 100, ["broken", "warning"])],
)  # fmt: skip
def test_limits_of_the_system(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, largest: int, files: int, results: list[str]
) -> None:
    shell("migrate")
    soft = {"RLIMIT_FSIZE": largest, "RLIMIT_NOFILE": files}
    import resource

    numbers = {getattr(resource, name): value for name, value in soft.items()}
    monkeypatch.setattr("jobledger.cli.doctor.limits.resource.getrlimit", lambda which: (numbers[which], -1))
    assert [one["result"] for one in told(shell)["limits"]] == results


def test_an_sqlite_that_damages_files(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("migrate")
    monkeypatch.setattr("jobledger.cli.doctor.versions.apsw.sqlite_lib_version", lambda: "3.51.2")
    assert one(shell, "sqlite")[0] == "broken"
    monkeypatch.setattr("jobledger.cli.doctor.versions.apsw.sqlite_lib_version", lambda: "3.51.3")
    assert one(shell, "sqlite")[0] == "ok"


def test_extras_that_are_missing_or_old(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("migrate")
    needed = ['rich>=14; extra == "cli"', 'starlette>=1.0; extra == "web"', 'uvicorn>=0.40; extra == "web"', "apsw>=3"]
    monkeypatch.setattr("jobledger.cli.doctor.versions.requires", lambda _: needed)
    found = {"rich": "15.0.0", "starlette": "0.9", "uvicorn": "0.40.1"}
    monkeypatch.setattr("jobledger.cli.doctor.versions._installed", found.get)
    assert [(one["result"], one["finding"]) for one in told(shell)["extras"]] == [
        ("warning", "starlette 0.9 is older than 1.0"),
        ("ok", "cli: rich 15.0.0; web: starlette 0.9, uvicorn 0.40.1"),
    ]
    del found["uvicorn"], found["starlette"]
    assert one(shell, "extras") == ("ok", "cli: rich 15.0.0; web: not installed (starlette, uvicorn)")


def test_sockets(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("migrate")
    assert one(shell, "wake-ups") == ("ok", "a worker is woken at once")
    assert not [path for path in shell.folder.iterdir() if stat.S_ISSOCK(path.stat().st_mode)]

    def unusable(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("jobledger.cli.doctor.sockets.bound", unusable)
    result, finding = one(shell, "wake-ups")
    assert result == "warning"
    assert finding.endswith("(Operation not supported): workers look four times a second instead")


def test_a_long_path_has_its_socket_elsewhere(shell: Shell) -> None:
    folder = shell.folder / ("long" * 30)
    folder.mkdir()
    shell.url = f"sqlite:///{folder}/jobs.db?durability=off"
    shell("migrate")
    assert one(shell, "wake-ups")[1].startswith("a worker is woken at once, by a socket in ")


def test_a_check_that_cannot_look_does_not_stop_the_others(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("migrate")

    def barred(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr("jobledger.cli.doctor.locks._steady", barred)
    result, finding = one(shell, "write lock")
    assert (result, finding) == ("warning", "this could not be looked at: /some/file: Permission denied")
    assert one(shell, "clock")[0] == "ok"
