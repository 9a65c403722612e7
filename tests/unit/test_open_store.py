"""From a URL to a store."""

import re
from pathlib import Path
from typing import cast

import pytest

from jobledger._store.open import open_store
from jobledger._store.postgres.target import Target
from jobledger._store.sqlite.store import SqliteStore
from jobledger.errors import InvalidOption


def opened(url: str) -> SqliteStore:
    return cast("SqliteStore", open_store(url, lambda: 0))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///jobs.db", "jobs.db"),
        ("sqlite:///data/jobs.db", "data/jobs.db"),
        ("sqlite:////var/lib/jobs.db", "/var/lib/jobs.db"),
        ("sqlite:////var/my%20jobs%23.db", "/var/my jobs#.db"),
        ("sqlite:////var/äöü.db", "/var/äöü.db"),
        ("SQLITE:///jobs.db", "jobs.db"),
        ("sqlite:///jobs.db?durability=process", "jobs.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    assert opened(url).path == Path(path).resolve()


@pytest.mark.parametrize(
    ("query", "durability"),
    [("", "power"), ("?durability=power", "power"), ("?durability=process", "process"), ("?durability=off", "off")],
)
def test_durability(query: str, durability: str) -> None:
    assert opened(f"sqlite:///jobs.db{query}")._durability == durability


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "names no store: use sqlite:///file.db"),
        ("jobs.db", "names no store"),
        ("/var/lib/jobs.db", "names no store"),
        ("sqlite://jobs.db", "names no store"),
        ("sqlite://", "names no store"),
        ("sqlite:///", "names no store"),
        ("sqlite://host/jobs.db", "names no store"),
        ("mysql:///jobs.db", "names no store"),
        ("postgresql://host:x/jobs", "'host:x' is not HOST or HOST:PORT"),
        ("postgresql://me:p/w@host/jobs", "/ as %2F"),
        ("postgresql://me:p#w@host/jobs", "# as %23"),
        ("postgresql://host/jobs?schema=Jobs", "the schema 'Jobs' can't be used"),
        ("postgresql://host/jobs?schema=", "the schema '' can't be used"),
        ("postgresql://host/jobs?schema=pg_jobs", "the schema 'pg_jobs' can't be used"),
        ("postgresql://host/jobs?schema=1jobs", "the schema '1jobs' can't be used"),
        ('postgresql://host/jobs?schema=a";DROP%20TABLE%20x;--', "can't be used"),
        ("postgresql://host/jobs?schema=a%27b", "can't be used"),
        ("postgresql://host/jobs?schema=a%00b", "can't be used"),
        (f"postgresql://host/jobs?schema={'a' * 32}", "at most 31 characters"),
        ("sqlite:///jobs.db?durability=none", "durability=power|process|off, ?filesystem=local|any and nothing else"),
        ("sqlite:///jobs.db?filesystem=nfs", "and nothing else"),
        ("sqlite:///jobs.db?filesystem=", "and nothing else"),
        ("sqlite:///jobs.db?durability=", "and nothing else"),
        ("sqlite:///jobs.db?durable=off", "and nothing else"),
        ("sqlite:///jobs.db?mode=ro", "and nothing else"),
    ],
)
def test_anything_else_is_refused(url: str, says: str) -> None:
    with pytest.raises(InvalidOption, match=re.escape(says)):
        opened(url)


def test_a_password_is_not_shown() -> None:
    with pytest.raises(InvalidOption) as raised:
        opened("mysql://me:secret@host/jobs")
    assert "secret" not in str(raised.value)
    assert "host" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "dsn", "schema", "name"),
    [
        ("postgresql://host/jobs", "postgresql://host/jobs", '"jobledger"', "postgresql://host/jobs"),
        ("postgres://me:s@h:1/jobs", "postgres://me:s@h:1/jobs", '"jobledger"', "postgres://me@h:1/jobs"),
        ("postgresql://h/d?schema=a&schema=b", "postgresql://h/d", '"b"', "postgresql://h/d?schema=a&schema=b"),
        (
            "postgresql://me@[::1]:1,b:2/d?target_session_attrs=primary&schema=x",
            "postgresql://me@[::1]:1,b:2/d?target_session_attrs=primary",
            '"x"',
            "postgresql://me@[::1]:1,b:2/d?target_session_attrs=primary&schema=x",
        ),
        (
            "postgresql:///d?host=/run&password=s",
            "postgresql:///d?host=%2Frun&password=s",
            '"jobledger"',
            "postgresql:///d?host=/run",
        ),
    ],
)
def test_a_url_names_a_database_and_a_schema_in_it(url: str, dsn: str, schema: str, name: str) -> None:
    """The name is what messages show: no password."""
    assert Target.of(url) == Target(dsn, schema, name)


def test_nothing_is_opened_yet(tmp_path: Path) -> None:
    opened(f"sqlite:///{tmp_path}/jobs.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("url", "hint"), [("sqlite:////tmp/a#b.db", "%23"), ("sqlite:///:memory:", "outlives")])
def test_what_would_silently_be_another_file(url: str, hint: str) -> None:
    with pytest.raises(InvalidOption, match=hint):
        opened(url)
