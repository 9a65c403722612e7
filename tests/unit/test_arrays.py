"""What a batch on PostgreSQL sends as columns."""

from jobledger._core.commands import Submit
from jobledger._core.decide import submit
from jobledger._core.job import Event, EventName
from jobledger._store.postgres.arrays import events
from jobledger._store.postgres.work import Round

ONE, TWO = (submit(Submit(str(n), 1, b"{}", 2), 1000, number=n, occupied=None).job for n in (1, 2))


def test_what_is_the_same_in_all_rows_is_sent_once() -> None:
    told = Round()
    told.events = [(ONE, Event(EventName.COMPLETED, 5, 1)), (TWO, Event(EventName.COMPLETED, 6, 1))]
    assert events(told) == ((1, 2), (1,), (EventName.COMPLETED,), (5, 6), (1,), *[(None,)] * 4)


def test_keys_are_sent_whole() -> None:
    """Their number is that of the rows."""
    told = Round()
    told.events = [(ONE, Event(EventName.COMPLETED, 5, 1)), (ONE, Event(EventName.RELEASED, 5, 1))]
    columns = events(told)
    assert columns is not None
    assert columns[0] == (1, 1)
    assert events(Round()) is None
