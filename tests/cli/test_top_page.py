"""A page of `top` fits its screen, and what matters is on it."""

from __future__ import annotations

import msgspec
import pytest
from rich.cells import cell_len

from jobledger._metrics.overview.figures import Books, Entities, Holder, Mailbox, Overview
from jobledger.cli.top.grid import Grid, Head, cut
from jobledger.cli.top.page import Size, page
from jobledger.cli.top.spark import spark
from tests.cli.overviews import JOB, PICTURE, troubled

SMALL = Size(80, 24)
ODD = {
    "plain": "",
    "long": "x" * 250,
    "wide": "客户" * 30,
    "escapes": "\x1b[31mred\x1b]0;title\x07",
    "lines": "a\nb\r\tc",
    "direction": "\u202eabc\u2066",
}


def lines(seen: Overview, size: Size, notice: str = "", *, pictured: bool = False) -> list[str]:
    return [
        line.plain for line in page(seen, "sqlite:////var/lib/jobs.db", size, notice, PICTURE if pictured else None)
    ]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("size", [(80, 24), (40, 10), (100, 30), (120, 40), (160, 50), (20, 3)], ids=str)
@pytest.mark.parametrize("number", [0, 3, 40])
def test_no_line_is_too_long_and_none_too_many(odd: str, size: tuple[int, int], number: int) -> None:
    drawn = lines(troubled(number, number, number, number, odd=odd), Size(*size), f"an error {odd}", pictured=True)
    assert len(drawn) <= size[1]
    assert [line for line in drawn if cell_len(line) > size[0]] == []
    assert all(line.isprintable() for line in drawn)


def test_eighty_by_24_shows_every_part_of_a_store_in_trouble() -> None:
    drawn = lines(troubled(), SMALL)
    text = "\n".join(drawn)
    assert drawn[0] == "sqlite:////var/lib/jobs.db  2023-11-14 22:13:20Z"
    assert drawn[1] == "books balance, audited 34s ago  2 live workers, 94/232 slots busy"
    assert drawn[2] == "ALERTS: 2 would fire, 1 pending"
    assert "page    type-1: the oldest ready job has waited for 12m 34s  OldestReadyJobTooO…" in drawn
    assert "ticket  type-2: 3 dead letter(s) within an hour  DlqGrowing" in drawn
    assert "(all)          120    340      50      70 1.21k  1.01k    193     181   20" in drawn
    assert "(all)              13m        21m     12ms 3.4s >24h    12ms 3.4s     72m" in drawn
    assert "2 web-2.example.org:40002 live  1.2s 2.0h     47/116" in text
    assert f"2 overdue 2.0m type-1 customer:2 {JOB.format(2)}" in text
    assert f"customer:1     29 runs for 1.7m     {JOB.format(901)}" in text
    assert "type-1     3     4 ConnectionError: no route" in text


def test_a_larger_screen_shows_all_there_is() -> None:
    drawn = "\n".join(lines(troubled(20, 5, 5, 5), Size(160, 80), pictured=True))
    for number in range(1, 21):
        assert f"type-{number} " in drawn
    for name in ("LAST HOUR", "99 web-9:4711", "20 TYPES", JOB.format(905), "HungJob", "customer:5"):
        assert name in drawn


def test_of_many_types_those_are_shown_where_most_goes_on_and_alerts_before_all() -> None:
    drawn = lines(troubled(30), SMALL)
    head = next(line for line in drawn if "TYPES" in line)
    assert head.startswith("2 OF 30 TYPES")
    shown = {line.split()[0] for line in drawn if line.startswith("type-")}
    assert shown >= {"type-1", "type-2"}


def test_a_page_without_bounds_has_everything_in_full() -> None:
    drawn = "\n".join(lines(troubled(30, 30, 30, 30, odd="y" * 200), Size(None, None)))
    assert "…" not in drawn
    assert drawn.count("y" * 200) >= 30 * 5


def test_a_calm_and_empty_store() -> None:
    calm = msgspec.structs.replace(
        troubled(0, 0, 0, 0),
        gone=(),
        alerts=(),
        books=Books(None, None, 0),
        entities=Entities(None, 0, 0, ()),
        window=None,
    )
    drawn = lines(calm, SMALL)
    assert drawn[1] == "books not audited yet  NO LIVE WORKER"
    assert "ALERTS: none would fire" in drawn
    assert len(drawn) < 12


def test_books_out_of_balance_are_shouted() -> None:
    broken = msgspec.structs.replace(troubled(), books=Books(3, 12.0, 0))
    assert lines(broken, SMALL)[1].startswith("books OUT OF BALANCE: 3 findings, audited 12s ago")


@pytest.mark.parametrize(
    ("state", "handled", "says"),
    [
        ("running", True, "runs for 90s"),
        ("lost", True, "was lost with worker 7"),
        ("ready", True, "is ready for 90s"),
        ("ready", False, "nobody handles: crm.push"),
        ("back-off", True, "failed 3/10, in 90s"),
        ("back-off", False, "nobody handles: crm.push"),
    ],
)
def test_what_an_entity_waits_for(state: str, handled: bool, says: str) -> None:
    holder = msgspec.convert(
        {
            "job": JOB.format(1), "type": "crm.push", "state": state, "seconds": 90.0, "worker": 7, "handled": handled,
            "failures": 3, "max_attempts": 10, "error": None,
        },
        Holder,
    )  # fmt: skip
    boxes = (Mailbox("customer:7", 5, holder), Mailbox("customer:8", 1, None))
    drawn = lines(msgspec.structs.replace(troubled(), entities=Entities(2, 6, 6, boxes)), Size(80, 60))
    assert any(line.startswith("customer:7") and says in line and line.endswith(JOB.format(1)) for line in drawn)
    assert any(line.startswith("customer:8") and "has just ended" in line for line in drawn)


def test_mailboxes_that_were_not_all_counted_say_so() -> None:
    seen = troubled()
    many = msgspec.structs.replace(seen.entities, parked=500_000, counted=20_000)
    drawn = lines(msgspec.structs.replace(seen, entities=many), Size(100, 60))
    assert any(line.startswith("ENTITY (of 20,000 jobs)") for line in drawn)


def test_a_long_remark_takes_three_lines_at_most() -> None:
    drawn = lines(troubled(), SMALL, "word " * 100)
    assert [line for line in drawn if line.startswith("word")] == drawn[2:5]
    assert drawn[4].endswith("…")


def test_only_what_may_be_cut_is_cut() -> None:
    grid = Grid(
        [Head("A", least=4), Head("B"), Head("C", least=4, tail=True)], [["abcdefgh", "12345", "uvwxyz.org:80"]]
    )
    assert [line.plain for line in grid.lines(20)] == ["A      B     C", "abcde… 12345 …org:80"]
    assert [line.plain for line in grid.lines(12)] == ["A    B     C", "abc… 12345 …"]


@pytest.mark.parametrize("text", ["客户客户", "a客b户c", "日本"])
@pytest.mark.parametrize("width", range(8))
def test_wide_characters_are_not_halved(text: str, width: int) -> None:
    for tail in (False, True):
        assert cell_len(cut(text, width, tail=tail)) <= width


def test_a_picture_of_nothing() -> None:
    assert spark([None, None]) == "  "
    assert spark([0, 0]) == "▁▁"
