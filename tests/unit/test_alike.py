"""Jobs that are alike are decided once: what comes out must be what each of them would get by itself."""

from __future__ import annotations

import random

from jobledger._core.alike import Alike
from jobledger._core.commands import Submit
from jobledger._core.decide import submit

NOW = 1_000_000


def test_each_is_accepted_as_if_it_were_alone() -> None:
    chance, alike = random.Random(1), Alike(NOW)
    for number in range(500):
        command = Submit(
            id=f"{number}",
            type_id=chance.choice((1, 1, 1, 2)),
            payload=b"%d" % number,
            priority=chance.choice((2, 2, 2, 3)),
            entity=chance.choice((None, None, None, "e")),
            due_at=chance.choice((None, None, None, NOW - 1, NOW + 1)),
            delay=chance.choice((0, 0, 0, 5)),
            trace=chance.choice((None, None, None, "t")),
        )
        assert alike.submit(command, number) == submit(command, NOW, number=number, occupied=None)
