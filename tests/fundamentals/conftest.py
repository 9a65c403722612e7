"""The fundamentals are the same on every store."""

from tests.both_stores import url

__all__ = ["url"]
