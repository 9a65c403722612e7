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
