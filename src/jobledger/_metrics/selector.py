"""Series of one instrument, as PromQL selects them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger._core.catalog import Instrument, Kind
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterable

_MATCH: Final = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)(.*)", re.ASCII | re.DOTALL)
_OURS: Final = frozenset({"state", "status", "le"})
"""Labels that the expressions choose themselves."""
_SOME: Final = frozenset({"type", "priority"})
"""Labels that not every instrument has; any other label comes from the scrape, and every series has it."""


class Matcher(msgspec.Struct, frozen=True):
    """One condition on a label.

    Attributes:
        label: its name.
        sign: ``=``, ``!=``, ``=~`` or ``!~``.
        value: a text, or a regular expression.
    """

    label: str
    sign: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.sign}{_quoted(self.value)}"

    @classmethod
    def parsed(cls, text: str) -> Matcher:
        """From ``label=value``, without quotes.

        Raises:
            InvalidOption: it has another shape, or the label is not to be chosen.

        Example:
            >>> str(Matcher.parsed("type=~report[.].*"))
            'type=~"report[.].*"'
        """
        found = _MATCH.fullmatch(text)
        if found is None:
            raise InvalidOption(f"--match must be LABEL=VALUE, with =, !=, =~ or !~, such as job=shop, not {text!r}")
        label, sign, value = found.groups()
        if label in _OURS or label.startswith("__"):
            raise InvalidOption(f"--match {text}: the expressions choose {label} themselves; use job, type or the like")
        if sign.endswith("~"):
            try:
                re.compile(value)
            except re.error as error:
                raise InvalidOption(f"--match {text}: {value!r} is no regular expression: {error}") from error
        return cls(label, sign, value)


class Selector:
    """An instrument's series, to stand in a template.

    Args:
        instrument: from the catalog.
        matchers: conditions; one on a label that the instrument lacks is left out.
        within: the boundary of :attr:`within`, as the text format has it.

    Example:
        >>> from jobledger._core.catalog import WAIT
        >>> f"rate({Selector(WAIT, (), '30.0').within}[5m])"
        'rate(jobs_wait_duration_seconds_bucket{le="30.0"}[5m])'
    """

    def __init__(self, instrument: Instrument, matchers: Iterable[Matcher], within: str) -> None:
        """Keep the conditions that apply."""
        self._instrument = instrument
        self._matchers = tuple(str(one) for one in matchers if one.label not in _SOME or one.label in instrument.labels)
        self._within = within

    def __str__(self) -> str:
        return self._text()

    @property
    def count(self) -> str:
        """How often a histogram has observed."""
        return self._part("_count")

    @property
    def bucket(self) -> str:
        """How often it has observed at most each boundary."""
        return self._part("_bucket")

    @property
    def within(self) -> str:
        """How often it has observed at most the boundary."""
        return self._part("_bucket", f"le={_quoted(self._within)}")

    @property
    def used(self) -> str:
        """The slots in use."""
        if "state" not in self._instrument.labels:
            raise AttributeError(f"{self._instrument.series} has no state")
        return self._text("", 'state="used"')

    def _part(self, ending: str, *more: str) -> str:
        if self._instrument.kind is not Kind.HISTOGRAM:
            raise AttributeError(f"{self._instrument.series} is no histogram: it has no {ending}")
        return self._text(ending, *more)

    def _text(self, ending: str = "", *more: str) -> str:
        matchers = ",".join((*self._matchers, *more))
        return f"{self._instrument.series}{ending}" + (f"{{{matchers}}}" if matchers else "")


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
