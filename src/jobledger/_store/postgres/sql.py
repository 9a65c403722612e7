"""The statements of this store, for one schema."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from jobledger._core.job import Job
from jobledger._store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE: Final = "jobledger._store.postgres"
_ROW: Final = ", ".join(Job.__struct_fields__)


@cache
def sql_of(schema: str, file: str) -> Mapping[str, str]:
    """The named statements of one ``.sql`` file.

    Args:
        schema: a name that is valid, and quoted: it takes the place of ``{schema}``, as the columns of a job that of
            ``{row}``.
        file: in this package.
    """
    return {name: fitted(text, schema) for name, text in statements(PACKAGE, file).items()}


def fitted(text: str, schema: str) -> str:
    """One text for one schema."""
    return text.replace("{schema}", schema).replace("{row}", _ROW)
