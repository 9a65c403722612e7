"""The rule-book: every status meets every command; each transition changes exactly what the design says it does."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

import pytest

from jobledger._core import catalog
from jobledger._core import commands as c
from jobledger._core.beginnings import started, submitted
from jobledger._core.catalog import BY_NUMBER, Kind
from jobledger._core.decide import LEGAL, PRUNED_CELLS, Change, Refusal, Refused, decide, duplicate, submit
from jobledger._core.deltas import CALM, WHILE_FAILING, Delta
from jobledger._core.job import DUE_LANES, ENDED, PRUNABLE, STATUS_OF, Event, EventName, Job, Lane, Status
from jobledger._core.outcome import Cancel, Done, Fail, Failed, Outcome, Reason, Retry
from jobledger._core.retry import RetryPolicy
from jobledger._types import SECOND
from tests.some_jobs import MINE, NOW, RUN, Fields, job_in

if TYPE_CHECKING:
    from collections.abc import Iterator

ELAPSED: Final = 2 * SECOND
ASKED: Final[Fields] = {"cancel_at": NOW - SECOND}
BLOCK: Final = RetryPolicy()
STEP_ASIDE: Final = RetryPolicy(on_retry="step-aside")


def settle(outcome: Outcome, retry: RetryPolicy = BLOCK) -> c.Settle:
    return c.Settle("a", 41, RUN, MINE, outcome, ELAPSED, retry=retry)


COMMANDS: Final[dict[type[Any], c.JobCommand]] = {
    c.Due: c.Due(),
    c.Activate: c.Activate(),
    c.Park: c.Park(),
    c.Start: c.Start(MINE),
    c.Settle: settle(Done()),
    c.Release: c.Release("a", 41, RUN, MINE),
    c.Report: c.Report("a", 41, RUN, MINE, 50.0, "half"),
    c.Lose: c.Lose(MINE),
    c.Cancel: c.Cancel("a"),
    c.Replay: c.Replay("a"),
    c.Discard: c.Discard("a"),
    c.Prune: c.Prune(),
}
LANES_OF: Final[dict[type[Any], set[Lane]]] = {
    c.Due: {Lane.SCHEDULED},
    c.Activate: {Lane.PARKED, Lane.ARRIVED},
    c.Park: {Lane.ARRIVED},
    c.Start: {Lane.READY},
    c.Settle: {Lane.PROCESSING},
    c.Release: {Lane.PROCESSING},
    c.Report: {Lane.PROCESSING},
    c.Lose: {Lane.PROCESSING},
    c.Cancel: {Lane.READY, Lane.ARRIVED, Lane.PARKED, Lane.SCHEDULED, Lane.PROCESSING},
    c.Replay: {Lane.FAILED},
    c.Discard: {Lane.FAILED},
    c.Prune: {Lane.COMPLETE, Lane.CANCELLED, Lane.DISCARDED},
}
REFUSALS: Final[dict[type[Any], Refused]] = {
    c.Settle: Refused.STALE,
    c.Release: Refused.STALE,
    c.Report: Refused.STALE,
    c.Cancel: Refused.ALREADY_ENDED,
    c.Replay: Refused.NOT_DEAD,
    c.Discard: Refused.NOT_DEAD,
}
EVERY_PAIR: Final = list(product(Lane, COMMANDS))
KEYED_LANES: Final = {Lane.ARRIVED, Lane.PARKED}


def booked(deltas: tuple[Delta, ...], kind: Kind) -> Counter[str]:
    """Counts or gauges by attribute; histograms by how often they observed."""
    found: Counter[str] = Counter()
    for delta in deltas:
        instrument = BY_NUMBER[delta.number]
        if instrument.kind is kind:
            found[instrument.attribute] += 1 if kind is Kind.HISTOGRAM else delta.amount
    return found


# Every status meets every command


def test_every_command_has_its_line_in_the_table() -> None:
    assert set(LEGAL) == set(get_args(c.JobCommand)) == set(COMMANDS)


@pytest.mark.parametrize(("lane", "command"), EVERY_PAIR, ids=lambda one: getattr(one, "__name__", one))
def test_a_command_wins_where_it_is_legal_and_is_refused_elsewhere(lane: Lane, command: type[Any]) -> None:
    job = job_in(lane, keyed=lane in KEYED_LANES)
    verdict = decide(job, COMMANDS[command], NOW, number=100)
    if lane in LANES_OF[command]:
        assert STATUS_OF[lane] in LEGAL[command]
        assert isinstance(verdict, Change)
        return
    assert isinstance(verdict, Refusal)
    assert verdict.why is REFUSALS.get(command, Refused.ILLEGAL)
    assert verdict.job == job
    stale = (Delta(catalog.STALE.number, job.type_id, -1, 0, 1),) if verdict.why is Refused.STALE else ()
    assert verdict.deltas == stale


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_the_table_of_legal_moves_says_the_same_as_the_lanes(command: type[Any]) -> None:
    assert LEGAL[command] == {STATUS_OF[lane] for lane in LANES_OF[command]}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_no_job_is_not_found(command: type[Any]) -> None:
    assert decide(None, COMMANDS[command], NOW) == Refusal(Refused.NOT_FOUND)


def test_what_has_ended_is_data() -> None:
    assert frozenset(Status) - LEGAL[c.Cancel] == ENDED
    assert ENDED - LEGAL[c.Replay] == PRUNABLE == LEGAL[c.Prune] == set(PRUNED_CELLS)
    assert {lane for lane in Lane if STATUS_OF[lane] is Status.QUEUED} == DUE_LANES | {Lane.SCHEDULED}
    assert set(STATUS_OF) == set(Lane)


@pytest.mark.parametrize("changes", [{"run": RUN + 1}, {"run": RUN - 1}, {"writer_id": MINE + 1}], ids=str)
@pytest.mark.parametrize("command", [c.Settle, c.Release, c.Report])
def test_only_the_attempt_that_owns_the_job_may_speak_for_it(command: type[Any], changes: dict[str, Any]) -> None:
    verdict = decide(job_in(Lane.PROCESSING, **changes), COMMANDS[command], NOW)
    assert isinstance(verdict, Refusal)
    assert (verdict.why, booked(verdict.deltas, Kind.COUNTER)) == (Refused.STALE, {"stale_settlements": 1})


def test_only_the_dead_writers_jobs_are_lost() -> None:
    verdict = decide(job_in(Lane.PROCESSING, writer_id=MINE + 1), c.Lose(MINE), NOW)
    assert isinstance(verdict, Refusal)


# Which transition changes what: the table of the design, row by row


class Row(NamedTuple):
    """One line of the design's table: names of counters and histograms, gauges with their step."""

    name: str
    job: Job
    command: c.JobCommand
    to: Lane
    event: EventName | None
    counters: str = ""
    histograms: str = ""
    gauges: str = ""
    occupied: bool | None = False


P: Final = Lane.PROCESSING
RELEASE: Final = c.Release("a", 41, RUN, MINE)
LAST: Final[Fields] = {"failures": 9}
BOTH: Final = "processing_seconds duration"
BACK: Final = "running-1 queue_depth+1"
BURIED: Final = "running-1 dlq_size+1"
TABLE: Final = [
    Row("due", job_in(Lane.SCHEDULED), c.Due(), Lane.READY, None, "", "", "scheduled-1 queue_depth+1"),
    Row("due, head", job_in(Lane.SCHEDULED, keyed=True), c.Due(), Lane.READY, None,
        "", "mailbox_wait", "scheduled-1 queue_depth+1"),
    Row("due, behind", job_in(Lane.SCHEDULED, keyed=True), c.Due(), Lane.PARKED, None,
        "", "", "scheduled-1 queue_depth+1 parked+1", occupied=True),
    Row("due, nobody has looked", job_in(Lane.SCHEDULED, keyed=True), c.Due(), Lane.ARRIVED, None,
        "", "", "scheduled-1 queue_depth+1", occupied=None),
    Row("due, not keyed, nobody has looked", job_in(Lane.SCHEDULED), c.Due(), Lane.READY, None,
        "", "", "scheduled-1 queue_depth+1", occupied=None),
    Row("due after a blocking back-off", job_in(Lane.SCHEDULED, keyed=True, holds=True), c.Due(), Lane.READY, None,
        "", "", "scheduled-1 queue_depth+1"),
    Row("activate", job_in(Lane.PARKED, keyed=True), c.Activate(), Lane.READY, None, "", "mailbox_wait", "parked-1"),
    Row("activate an arrival", job_in(Lane.ARRIVED, keyed=True), c.Activate(), Lane.READY, None, "", "mailbox_wait"),
    Row("park an arrival", job_in(Lane.ARRIVED, keyed=True), c.Park(), Lane.PARKED, None, "", "", "parked+1"),
    Row("start", job_in(Lane.READY), c.Start(MINE), P, None,
        "", "wait_duration", "queue_depth-1 running+1"),
    Row("done", job_in(P), settle(Done()), Lane.COMPLETE, EventName.COMPLETED, "completions", BOTH, "running-1"),
    Row("done although cancel is asked", job_in(P, **ASKED), settle(Done()), Lane.COMPLETE, EventName.COMPLETED,
        "completions", BOTH, "running-1"),
    Row("failed, attempts left", job_in(P), settle(Failed("x")), Lane.SCHEDULED, EventName.RETRIED,
        "failures retries", "processing_seconds", "running-1 scheduled+1"),
    Row("retry asked, attempts left", job_in(P), settle(Retry(after=1)), Lane.SCHEDULED, EventName.RETRIED,
        "failures retries", "processing_seconds", "running-1 scheduled+1"),
    Row("failed, none left", job_in(P, **LAST), settle(Failed("x")), Lane.FAILED, EventName.DEAD_LETTERED,
        "failures dead_lettered", BOTH, BURIED),
    Row("retry asked, none left", job_in(P, **LAST), settle(Retry()), Lane.FAILED, EventName.DEAD_LETTERED,
        "failures dead_lettered", BOTH, BURIED),
    Row("failed for good", job_in(P), settle(Fail("x")), Lane.FAILED, EventName.DEAD_LETTERED,
        "failures dead_lettered", BOTH, BURIED),
    Row("failed while cancel is asked", job_in(P, **ASKED), settle(Failed("x")), Lane.CANCELLED, EventName.CANCELLED,
        "failures cancellations", BOTH, "running-1"),
    Row("retry while cancel is asked", job_in(P, **ASKED), settle(Retry()), Lane.CANCELLED, EventName.CANCELLED,
        "failures cancellations", BOTH, "running-1"),
    Row("for good while cancel is asked", job_in(P, **ASKED), settle(Fail("x")), Lane.CANCELLED, EventName.CANCELLED,
        "failures cancellations", BOTH, "running-1"),
    Row("cancel while ready", job_in(Lane.READY, keyed=True), c.Cancel("a"), Lane.CANCELLED, EventName.CANCELLED,
        "cancellations", "duration", "queue_depth-1"),
    Row("cancel while arrived", job_in(Lane.ARRIVED, keyed=True), c.Cancel("a"), Lane.CANCELLED, EventName.CANCELLED,
        "cancellations", "duration", "queue_depth-1"),
    Row("cancel while parked", job_in(Lane.PARKED, keyed=True), c.Cancel("a"), Lane.CANCELLED, EventName.CANCELLED,
        "cancellations", "duration", "queue_depth-1 parked-1"),
    Row("cancel while scheduled", job_in(Lane.SCHEDULED), c.Cancel("a"), Lane.CANCELLED, EventName.CANCELLED,
        "cancellations", "duration", "scheduled-1"),
    Row("cancel asked", job_in(P), c.Cancel("a"), P, EventName.CANCEL_REQUESTED),
    Row("cancel acknowledged", job_in(P, **ASKED), settle(Cancel()), Lane.CANCELLED, EventName.CANCELLED,
        "cancellations", BOTH, "running-1"),
    Row("lose", job_in(P), c.Lose(MINE), Lane.READY, EventName.LOST, "failures retries lost", "", BACK),
    Row("lose, losses used up", job_in(P, losses=2), c.Lose(MINE), Lane.FAILED, EventName.DEAD_LETTERED,
        "failures dead_lettered lost", "duration", BURIED),
    Row("lose while cancel is asked", job_in(P, **ASKED), c.Lose(MINE), Lane.CANCELLED, EventName.CANCELLED,
        "failures cancellations lost", "duration", "running-1"),
    Row("release", job_in(P), RELEASE, Lane.READY, EventName.RELEASED, "released", "", BACK),
    Row("release while cancel is asked", job_in(P, **ASKED), RELEASE, Lane.CANCELLED, EventName.CANCELLED,
        "released cancellations", "duration", "running-1"),
    Row("report", job_in(P), c.Report("a", 41, RUN, MINE, 50.0, "half"), P, None),
    Row("replay", job_in(Lane.FAILED), c.Replay("a"), Lane.READY, EventName.REPLAYED,
        "replayed", "", "dlq_size-1 queue_depth+1"),
    Row("replay, head", job_in(Lane.FAILED, keyed=True), c.Replay("a"), Lane.READY, EventName.REPLAYED,
        "replayed", "mailbox_wait", "dlq_size-1 queue_depth+1"),
    Row("replay, behind", job_in(Lane.FAILED, keyed=True), c.Replay("a"), Lane.PARKED, EventName.REPLAYED,
        "replayed", "", "dlq_size-1 queue_depth+1 parked+1", occupied=True),
    Row("discard", job_in(Lane.FAILED), c.Discard("a"), Lane.DISCARDED, EventName.DISCARDED,
        "discarded", "", "dlq_size-1"),
    Row("prune complete", job_in(Lane.COMPLETE), c.Prune(), Lane.COMPLETE, None, "pruned"),
    Row("prune cancelled", job_in(Lane.CANCELLED), c.Prune(), Lane.CANCELLED, None, "pruned"),
    Row("prune discarded", job_in(Lane.DISCARDED), c.Prune(), Lane.DISCARDED, None, "pruned"),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_transition_changes_what_the_table_says(row: Row) -> None:
    verdict = decide(row.job, row.command, NOW, number=100, occupied=row.occupied)
    assert isinstance(verdict, Change)
    assert verdict.job.lane is row.to
    assert (verdict.event.name if verdict.event else None) is row.event
    assert booked(verdict.deltas, Kind.COUNTER) == dict.fromkeys(row.counters.split(), 1)
    assert booked(verdict.deltas, Kind.HISTOGRAM) == dict.fromkeys(row.histograms.split(), 1)
    assert booked(verdict.deltas, Kind.GAUGE) == {gauge[:-2]: int(gauge[-2:]) for gauge in row.gauges.split()}


@pytest.mark.parametrize(
    ("entity", "delay", "occupied", "lane", "gauges", "waits"),
    [
        (None, 0, False, Lane.READY, {"queue_depth": 1}, 0),
        ("e", 0, False, Lane.READY, {"queue_depth": 1}, 1),
        ("e", 0, True, Lane.PARKED, {"queue_depth": 1, "parked": 1}, 0),
        (None, SECOND, False, Lane.SCHEDULED, {"scheduled": 1}, 0),
        ("e", SECOND, True, Lane.SCHEDULED, {"scheduled": 1}, 0),
    ],
)
def test_a_submit_changes_what_the_table_says(
    entity: str | None, delay: int, occupied: bool, lane: Lane, gauges: dict[str, int], waits: int
) -> None:
    change = submit(c.Submit("a", 5, b"{}", 1, entity, delay), NOW, number=9, occupied=occupied)
    job = change.job
    assert (job.lane, job.seq, job.due_at, job.origin_at) == (lane, 9, NOW + delay, NOW + delay)
    assert job.holds is (entity is not None and lane is Lane.READY)
    assert job.eligible_at == (NOW if lane is Lane.READY else None)
    assert booked(change.deltas, Kind.COUNTER) == {"enqueued": 1}
    assert booked(change.deltas, Kind.GAUGE) == gauges
    assert booked(change.deltas, Kind.HISTOGRAM)["mailbox_wait"] == waits
    assert change.event is None
    assert submitted(job) == Event(EventName.SUBMITTED, NOW, 0)


def test_a_duplicate_counts_and_names_the_holder() -> None:
    refusal = duplicate(c.Submit("a", 5, b"{}", 1), "holder")
    assert (refusal.why, refusal.job_id) == (Refused.DUPLICATE, "holder")
    assert booked(refusal.deltas, Kind.COUNTER) == {"deduplicated": 1}


@pytest.mark.parametrize(
    ("command", "cell"),
    [
        (settle(Cancel()), CALM),
        (settle(Failed("x")), WHILE_FAILING),
        (c.Lose(MINE), WHILE_FAILING),
        (COMMANDS[c.Release], CALM),
    ],
    ids=["acknowledged", "failing", "lost", "released"],
)
def test_cancellations_while_failing_are_told_apart(command: c.JobCommand, cell: int) -> None:
    verdict = decide(job_in(Lane.PROCESSING, **ASKED), command, NOW)
    assert isinstance(verdict, Change)
    assert [delta.cell for delta in verdict.deltas if delta.number == catalog.CANCELLATIONS.number] == [cell]


# Laws over all lanes, commands and circumstances

OUTCOMES: Final = (Done(), Failed("x"), Retry(after=3), Fail("x"), Cancel("x"))
ALL_COMMANDS: Final = [
    *(command for kind, command in COMMANDS.items() if kind is not c.Settle),
    *(settle(outcome, retry=policy) for outcome in OUTCOMES for policy in (BLOCK, STEP_ASIDE)),
]
ASKED_OR_NOT: Final[list[Fields]] = [{}, ASKED]
LIMITS: Final[list[Fields]] = [{}, {"failures": 9}, {"losses": 2}]
HOLDS: Final[list[Fields]] = [{}, {"holds": True, "entity": "e"}]


def gauges_of(job: Job) -> Counter[str]:
    lanes = {"scheduled": Lane.SCHEDULED, "running": Lane.PROCESSING, "parked": Lane.PARKED, "dlq_size": Lane.FAILED}
    counted = Counter({name: int(job.lane is lane) for name, lane in lanes.items()})
    counted["queue_depth"] = int(job.lane in DUE_LANES)
    return counted


def jobs_in(lane: Lane, keyed: bool) -> Iterator[Job]:
    """All that can differ among jobs in a lane: only a running one is asked to stop, only a back-off holds or not."""
    asked = ASKED_OR_NOT if lane is Lane.PROCESSING else ASKED_OR_NOT[:1]
    holds = HOLDS if lane is Lane.SCHEDULED and keyed else HOLDS[:1]
    for one, two, three in product(asked, LIMITS, holds):
        fields: Fields = {**one, **two, **three}
        yield job_in(lane, keyed=keyed, **fields)


def all_changes() -> list[tuple[Job, c.JobCommand, Change]]:
    found = []
    for lane, keyed, command, occupied in product(Lane, (False, True), ALL_COMMANDS, (False, True)):
        for job in jobs_in(lane, keyed):
            kept = deepcopy(job)
            verdict = decide(job, command, NOW, number=100, occupied=occupied)
            assert job == kept
            assert decide(job, command, NOW, number=100, occupied=occupied) == verdict
            if isinstance(verdict, Change):
                found.append((job, command, verdict))
    return found


@pytest.fixture(scope="module")
def changes() -> list[tuple[Job, c.JobCommand, Change]]:
    """Every change that can happen; computing it proves that ``decide`` is pure."""
    return all_changes()


def test_gauges_move_by_the_lane_left_and_the_lane_entered(changes: list[tuple[Job, c.JobCommand, Change]]) -> None:
    for before, _, change in changes:
        moved = booked(change.deltas, Kind.GAUGE)
        moved.update(gauges_of(before))
        assert +moved == +gauges_of(change.job), (before, change)


def test_every_start_waits_once_every_settled_attempt_works_once_every_end_lasts_once(
    changes: list[tuple[Job, c.JobCommand, Change]],
) -> None:
    for before, command, change in changes:
        seen = booked(change.deltas, Kind.HISTOGRAM)
        ends = change.job.lane is not before.lane and change.job.status in ENDED and before.status not in ENDED
        assert seen["wait_duration"] == isinstance(command, c.Start)
        assert seen["processing_seconds"] == isinstance(command, c.Settle)
        assert seen["duration"] == ends, (before, command)


def test_every_failure_goes_on_exactly_one_way(changes: list[tuple[Job, c.JobCommand, Change]]) -> None:
    for _, _, change in changes:
        counted = booked(change.deltas, Kind.COUNTER)
        failing = sum(
            delta.amount for delta in change.deltas
            if (delta.number, delta.cell) == (catalog.CANCELLATIONS.number, WHILE_FAILING)
        )  # fmt: skip
        assert counted["failures"] == counted["retries"] + counted["dead_lettered"] + failing


def test_every_change_of_a_row_raises_its_version_and_names_its_event(
    changes: list[tuple[Job, c.JobCommand, Change]],
) -> None:
    for before, command, change in changes:
        unchanged = isinstance(command, c.Prune) or (isinstance(command, c.Cancel) and before.cancel_at is not None)
        assert change.job.version == before.version + (not unchanged)
        assert (change.event is not None) or before.status is change.job.status or isinstance(command, c.Start)
        if change.event is not None:
            assert (change.event.at, change.event.run) == (NOW, change.job.run)


def test_a_start_is_told_when_another_one_may_follow(changes: list[tuple[Job, c.JobCommand, Change]]) -> None:
    """Until then the row tells it: of a job that is complete or cancelled for good."""
    for before, _, change in changes:
        ended = before.lane is Lane.PROCESSING and change.job.lane is not Lane.PROCESSING
        follows = ended and change.job.lane not in {Lane.COMPLETE, Lane.CANCELLED}
        assert change.began == (started(before) if follows else None), before


def test_a_mailbox_is_held_by_what_is_ready_processing_or_blocking(
    changes: list[tuple[Job, c.JobCommand, Change]],
) -> None:
    for before, _, change in changes:
        job = change.job
        assert change.frees == (before.holds and not job.holds), (before, change)
        if job.status in ENDED and before.status not in ENDED:
            assert not job.holds
        if job.lane is Lane.PARKED:
            assert not job.holds


def test_who_has_a_writer_is_processing_and_who_has_an_end_has_ended(
    changes: list[tuple[Job, c.JobCommand, Change]],
) -> None:
    for _, _, change in changes:
        assert (change.job.writer_id is not None) == (change.job.lane is Lane.PROCESSING)
        assert (change.job.ended_at is not None) == (change.job.status in ENDED)


def test_a_job_that_is_asked_to_stop_is_never_queued_again(changes: list[tuple[Job, c.JobCommand, Change]]) -> None:
    for before, _, change in changes:
        if before.cancel_at is not None and before.lane is Lane.PROCESSING:
            assert change.job.status in {Status.PROCESSING, Status.COMPLETE, Status.CANCELLED}


# Single rules


def test_the_second_request_to_cancel_changes_nothing() -> None:
    job = job_in(Lane.PROCESSING, **ASKED)
    assert decide(job, c.Cancel("a"), NOW) == Change(job, None, ())


@pytest.mark.parametrize(
    ("outcome", "reason"), [(Failed("x"), Reason.MAX_ATTEMPTS), (Fail("x", Reason.VALIDATION), Reason.VALIDATION)]
)
def test_a_dead_letter_says_why(outcome: Outcome, reason: Reason) -> None:
    verdict = decide(job_in(Lane.PROCESSING, failures=9), settle(outcome), NOW)
    assert isinstance(verdict, Change)
    assert (verdict.job.reason, verdict.job.error) == (reason, "x")


def test_a_replay_begins_a_new_life_at_the_end() -> None:
    job = job_in(Lane.FAILED, losses=2)
    verdict = decide(job, c.Replay("a"), NOW, number=100)
    assert isinstance(verdict, Change)
    again = verdict.job
    assert (again.seq, again.failures, again.losses, again.run) == (100, 0, 0, job.run)
    assert (again.due_at, again.origin_at, again.eligible_at) == (NOW, NOW, NOW)
    assert (again.reason, again.error, again.ended_at, again.started_at) == (None, None, None, None)


def test_a_start_takes_the_number_as_its_fence() -> None:
    verdict = decide(job_in(Lane.READY, run=2), c.Start(MINE), NOW, number=100)
    assert isinstance(verdict, Change)
    assert (verdict.job.run, verdict.job.fence, verdict.job.writer_id, verdict.job.started_at) == (3, 100, MINE, NOW)


def test_loss_and_release_go_to_the_front_again() -> None:
    job = job_in(Lane.PROCESSING, keyed=True)
    for command in (c.Lose(MINE), COMMANDS[c.Release]):
        verdict = decide(job, command, NOW)
        assert isinstance(verdict, Change)
        assert (verdict.job.seq, verdict.job.holds, verdict.frees, verdict.job.failures) == (job.seq, True, False, 0)


@pytest.mark.parametrize(("free", "since"), [(True, 0), (False, NOW)])
def test_an_arrival_is_eligible_since_its_mailbox_was_free(free: bool, since: int) -> None:
    job = job_in(Lane.ARRIVED, keyed=True)
    verdict = decide(job, c.Activate(free=free), NOW)
    assert isinstance(verdict, Change)
    assert verdict.job.eligible_at == max(job.due_at, since)


@pytest.mark.parametrize("keyed", [True, False])
def test_a_job_whose_mailbox_nobody_has_looked_at_arrives(keyed: bool) -> None:
    dead = job_in(Lane.FAILED, keyed=keyed)
    submitted = submit(c.Submit("a", 1, b"{}", 2, entity="e" if keyed else None), NOW, number=1, occupied=None)
    replayed = decide(dead, c.Replay("a"), NOW, number=1, occupied=None)
    for verdict in (submitted, replayed):
        assert isinstance(verdict, Change)
        assert (verdict.job.lane, verdict.job.holds) == (Lane.ARRIVED if keyed else Lane.READY, False)
        assert (verdict.job.eligible_at is None) == keyed
