"""Which batches of PostgreSQL need a look at the users' own series first."""

from __future__ import annotations

from jobledger._core.commands import UserDelta
from jobledger._store.postgres.own_series import OwnSeries

KNOWN = (1000, "sent_total", "counter", '[["to", "a"]]', "Sent.")


def sent(to: str = "a", kind: str = "counter", text: str = "") -> UserDelta:
    return UserDelta("sent_total", kind, (("to", to),), 1, text)


def test_what_is_known_needs_none() -> None:
    own = OwnSeries([KNOWN])
    assert own.knows(())
    assert own.knows((sent(), sent(text="Sent.")))
    assert not own.knows((sent(), sent("b")))
    assert not own.knows((sent(kind="histogram"),))
    assert not own.knows((sent(text="Handed over."),))


def test_another_help_is_written_once() -> None:
    own = OwnSeries([KNOWN])
    own.book({}, (sent(text="Handed over."), sent("b")), ())
    assert own.described == {"sent_total": "Handed over."}
    assert own.fresh == [(1001, "sent_total", "counter", '[["to", "b"]]', "Handed over.")]
    own.described.clear()
    assert own.knows((sent(text="Handed over."), sent("b", text="Handed over.")))
