"""Prints the major versions of PostgreSQL that can be run here; the one that tests take by themselves comes first."""

from jobledger.testing.postgres import installations

if __name__ == "__main__":
    print(*dict.fromkeys(one.major for one in installations()))  # noqa: T201 - for CI
