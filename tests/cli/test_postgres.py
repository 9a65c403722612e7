"""Every command works on PostgreSQL as on a file, and none shows a password."""

from __future__ import annotations

import json
import signal
import urllib.request

import pytest
from typer.testing import CliRunner

from jobledger._core.job import Status
from jobledger._store.postgres.migrate import NEWEST, steps
from jobledger._store.postgres.target import Target
from jobledger.cli.commands import cli
from jobledger.cli.source import public
from tests.cli.crew import command_crew, kill
from tests.cli.shell import Program, Shell, lines_of, wait_for

EMAIL = '{"to": "a"}'


@pytest.fixture
def url(postgres_schema: str) -> str:
    return postgres_schema


def test_migrate_makes_a_store_and_says_how(shell: Shell, postgres_database: str) -> None:
    shell = Shell(shell.folder, postgres_database, shell.target)
    refused = shell("list")
    assert (refused.exit_code, "run `jobledger migrate --url 'postgresql://" in refused.stderr) == (1, True)
    assert shell.json("migrate") == {
        "store": public(shell.url), "from": None, "to": NEWEST, "steps": [step.name for step in steps()], "left": [],
    }  # fmt: skip
    assert shell.json("migrate", "--pre")["steps"] == []
    assert shell("migrate").stdout == f"{public(shell.url)}: schema {NEWEST} already, nothing to do\n"


def test_migrate_by_an_app_takes_its_ladder(shell: Shell, postgres_database: str) -> None:
    """Else its first worker would be refused."""
    (shell.folder / "coarse.py").write_text(
        f"from jobledger import App\napp = App({postgres_database!r}, boundaries=(1.0, 60.0))\n", encoding="utf-8"
    )
    done = CliRunner().invoke(cli, ["migrate", "--app", "coarse:app"], prog_name="jobledger")
    assert (done.exit_code, done.stdout.count("0001_pre_books")) == (0, 1)
    table = CliRunner().invoke(cli, ["metrics", "--url", postgres_database, "--json"], prog_name="jobledger")
    assert table.exit_code == 0
    again = CliRunner().invoke(cli, ["migrate", "--app", "coarse:app"], prog_name="jobledger")
    assert "nothing to do" in again.stdout


def test_a_life_of_jobs(shell: Shell) -> None:
    """Submit, work, look, cancel, replay, discard, count, audit."""
    done = shell.submit("email.send", EMAIL, "--entity", "ada")
    late = shell.submit("email.send", EMAIL, "--delay", "3600")
    bad = shell.submit("poison", "{}")
    shell.json("cancel", late)
    shell.work_off()
    assert [shell.status_of(job) for job in (done, late, bad)] == [Status.COMPLETE, Status.CANCELLED, Status.FAILED]
    assert {job["id"] for job in shell.json("list")["jobs"]} == {done, late, bad}
    assert [job["id"] for job in shell.json("list", "--entity", "ada")["jobs"]] == [done]
    assert [job["id"] for job in shell.json("dlq", "list")["jobs"]] == [bad]
    assert "ValueError" in shell("dlq", "show", bad).stdout
    assert shell("dlq", "replay", bad).exit_code == 0
    shell.work_off()
    assert shell("dlq", "discard", "--all", "--yes").exit_code == 0
    assert "jobs_discarded_total" in shell("metrics").stdout
    assert shell("metrics", "--openmetrics").stdout.endswith("# EOF\n")
    assert shell("metrics", "--table").exit_code == 0
    assert {type_["name"] for type_ in shell.json("types")["types"]} >= {"email.send", "poison"}
    assert shell.json("audit")["balanced"]
    assert shell("doctor").exit_code in {0, 1}  # a server of tests does not sync


def test_a_worker_tells_where_it_is_until_a_signal(shell: Shell) -> None:
    job_id = shell.submit("email.send", EMAIL)
    with Program(shell, "worker", shell.target, "--json") as worker:
        started = json.loads(worker.line())
        wait_for(shell, job_id, Status.COMPLETE)
        worker.stop()
        code, out, _ = worker.ended()
    assert (code, started["store"]) == (0, public(shell.url))
    assert json.loads(out)["attempts"] == {"completed": 1}


def test_several_processes_and_one_is_killed(shell: Shell) -> None:
    """The supervisor starts another one, and the job is done."""
    job_id = shell.submit("gate", json.dumps({"path": str(shell.folder / "open")}))
    with command_crew(shell, 2, "--grace=0", "--lease=2") as crew:
        crew.until_ready(2)
        wait_for(shell, job_id, Status.PROCESSING)
        for pid in crew.of("ready")[-1]["ready"]:
            kill(pid)
        crew.until("restarting")
        crew.until_ready(2)
        (shell.folder / "open").touch()
        wait_for(shell, job_id, Status.COMPLETE)
        crew.stop()
        code, _ = crew.until_end()
    assert code == 0
    assert shell.json("status", job_id)["losses"] == 1


def test_watch_and_serve(shell: Shell) -> None:
    shell.submit("email.send", EMAIL)
    with Program(shell, "metrics", "--watch", "0.1", "--json") as watching:
        looks = [json.loads(watching.line()) for _ in range(2)]
        watching.stop(signal.SIGINT)
        watching.ended()
    assert looks[0]["as_of"] < looks[1]["as_of"]
    with Program(shell, "serve", "--port", "0", "--json") as serving:
        started = json.loads(serving.line())
        with urllib.request.urlopen(f"{started['address']}/metrics") as answer:  # noqa: S310 - our own
            text = answer.read().decode()
        serving.stop()
        serving.ended()
    assert started["store"] == public(shell.url)
    assert "jobs_enqueued_total" in text


def test_words_for_the_shell(shell: Shell) -> None:
    shell.submit("email.send", EMAIL)
    environment = {
        "_JOBLEDGER_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "jobledger list --type ",
        "JOBLEDGER_URL": shell.url,
    }  # fmt: skip
    done = CliRunner().invoke(cli, [], env=environment, prog_name="jobledger")
    assert "email.send" in done.stdout
    unreachable = environment | {"JOBLEDGER_URL": "postgresql://me@127.0.0.1:1/jobs"}
    assert CliRunner().invoke(cli, [], env=unreachable, prog_name="jobledger").stdout == "_files\n"


def test_a_password_is_never_shown(shell: Shell) -> None:
    """Neither by what succeeds nor by what fails."""
    target = Target.of(shell.url)
    user, _, rest = target.name.partition("://")[2].partition("@")
    secret = "open-sesame"  # noqa: S105 - made up
    wrong = f"postgresql://{user}:{secret}@{rest.replace('/', '_no/', 1).replace(':', ':1', 1)}"
    for words in (("list",), ("migrate",), ("doctor",), ("types",), ("audit", "--json"), ("metrics",), ("serve",)):
        for url in (wrong, f"postgresql://me:{secret}@127.0.0.1:1/jobs", f"postgresql://me:{secret}/x@h/jobs"):
            told = CliRunner().invoke(cli, [*words, "--url", url], prog_name="jobledger")
            assert secret not in told.output
            assert told.exit_code in {1, 2}


def test_without_the_driver(shell: Shell) -> None:
    """The extra is named, in one line."""
    program = (
        "import sys; sys.modules['asyncpg'] = None\n"
        "from jobledger.cli import main; sys.argv[1:] = ['list']; sys.exit(main())"
    )
    (shell.folder / "bare.py").write_text(program, encoding="utf-8")
    with Program(shell, module="bare") as bare:
        code, _, err = bare.ended()
    assert (code, [*lines_of(err)]) == (2, ["error: PostgreSQL needs a driver: pip install 'jobledger[postgres]'"])
