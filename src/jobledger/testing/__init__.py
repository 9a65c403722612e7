"""For the tests of an application: its books must balance, and :mod:`jobledger.testing.postgres` brings a server.

Example:
    >>> @pytest.fixture  # doctest: +SKIP
    ... def app(tmp_path):
    ...     with audit_after(tmp_path / "jobs.db") as path:
    ...         yield App(f"sqlite:///{path}?durability=off")
"""

from jobledger.testing.books import assert_balanced, audit, audit_after

__all__ = ["assert_balanced", "audit", "audit_after"]
