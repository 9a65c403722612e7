"""The rules of claims, mailboxes, fence and takeover, each taken away by a small change of the text."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.postgres.proof.schema import Edit, Mutant
from tests.postgres.proof.shape import DENSE, SPARSE, Shape

_LOCK_FIRST: Final = "        PERFORM lock_mailboxes(p_entities);\n"
_ACTIVATE: Final = "        v_done := {schema}.activate(v_heads, p_now, false, p_ladder);\n"
_NO_LOCK: Final = Edit(_LOCK_FIRST, "        NULL;\n")
_HEADS: Final = """        SELECT array_agg(h.key) INTO v_heads FROM unnest(p_entities) AS e(entity), LATERAL (
            SELECT j.key FROM {schema}.job j WHERE j.entity = e.entity AND j.lane IN ('arrived', 'parked')
            ORDER BY j.seq LIMIT 1
        ) h WHERE"""
_ARRIVED_HEADS: Final = """    SELECT array_agg(h.key) INTO v_heads FROM unnest(o_locked) AS e(entity), LATERAL (
        SELECT j.key FROM {schema}.job j WHERE j.entity = e.entity AND j.lane IN ('arrived', 'parked')
        ORDER BY j.seq LIMIT 1
    ) h WHERE"""
_FENCE: Final = "WHERE writer_id = p_me AND NOT dead AND batch_no = p_batch - 1 RETURNING"
_HAND_OVER: Final = "        v_done := hand_over(p_freed, p_now, p_ladder);\n"
_LOCKS: Final = "SELECT m.entity FROM {schema}.mailbox m WHERE m.entity = ANY (p_entities) ORDER BY m.entity FOR UPDATE"
_ARRIVALS_LOCKS: Final = """SELECT m.entity FROM {schema}.mailbox m WHERE m.entity = ANY (p_entities)
        ORDER BY m.entity FOR UPDATE"""

LOOK_BEFORE_LOCK: Final = Mutant(
    "a settler locks its mailboxes, then looks",
    (_NO_LOCK, Edit(_ACTIVATE, "        PERFORM {schema}.lock_mailboxes(p_entities);\n" + _ACTIVATE)),
)
LOCK_AND_LOOK: Final = Mutant(
    "a settler looks in a later statement than the one that locks",
    (
        _NO_LOCK,
        Edit(
            _HEADS,
            _HEADS.replace(
                "unnest(p_entities) AS e(entity)",
                f"({_LOCKS}) e",
            ),
        ),
    ),
)
REQUEUE_FIRST: Final = Mutant(
    "a takeover fences before it puts jobs back",
    statements=(
        (
            "end_writer",
            Edit(
                "UPDATE {schema}.writer SET dead = true, died_at = $2 WHERE writer_id = $1 AND NOT dead\n"
                "RETURNING kind, host, pid",
                "SELECT kind, host, pid FROM {schema}.writer WHERE writer_id = $1 AND NOT dead AND $2::bigint > 0",
            ),
        ),
        (
            "fold_completed",
            Edit(
                "WITH gone AS",
                "WITH fenced AS (UPDATE {schema}.writer SET dead = true, died_at = 1 WHERE writer_id = $1), gone AS",
            ),
        ),
    ),
)
NO_FENCE: Final = Mutant("the fence", (Edit(_FENCE, "WHERE writer_id = p_me RETURNING"),))
FENCE_THE_LIVING: Final = Mutant(
    "the fence stops the dead", (Edit(_FENCE, "WHERE writer_id = p_me AND batch_no = p_batch - 1 RETURNING"),)
)
FENCE_ANY_NUMBER: Final = Mutant(
    "the fence stops a batch that was applied", (Edit(_FENCE, "WHERE writer_id = p_me AND NOT dead RETURNING"),)
)
CLAIMS_WAIT: Final = Mutant(
    "a claim never waits for a row",
    (Edit("ORDER BY j.seq LIMIT v_share FOR UPDATE SKIP LOCKED", "ORDER BY j.seq LIMIT v_share FOR UPDATE"),),
)
UNSORTED_LOCKS: Final = Mutant(
    "mailboxes are locked in order of entity",
    (Edit(_LOCKS + "\n", _LOCKS.replace("ORDER BY m.entity", "ORDER BY md5(m.entity || pg_backend_pid())") + "\n"),),
)
UPDATED_MAILBOX: Final = Mutant(
    "a mailbox's row is never updated",
    (Edit(_HAND_OVER, f"        UPDATE mailbox SET k = k WHERE entity = ANY (p_freed);\n{_HAND_OVER}"),),  # noqa: S608
)
ARRIVALS_WAIT: Final = Mutant(
    "an arrival never waits for a mailbox", (Edit(_ARRIVALS_LOCKS + " SKIP LOCKED\n", _ARRIVALS_LOCKS + "\n"),)
)
NO_TRUE_HEAD: Final = Mutant(
    "an arrival activates the true head, not what it could pick",
    (Edit(_ARRIVED_HEADS, _ARRIVED_HEADS.replace("LIMIT 1", "LIMIT 1 FOR UPDATE SKIP LOCKED")),),
)
PARKED_ONLY: Final = Mutant(
    "a hand-over looks at arrived jobs too",
    (Edit(_HEADS, _HEADS.replace("j.lane IN ('arrived', 'parked')", "j.lane = 'parked'")),),
)
FOLD_TWICE: Final = Mutant(
    "what is folded is what was deleted",
    statements=(
        (
            "fold_deltas",
            Edit(
                """    DELETE FROM {schema}.ledger_delta WHERE delta_id IN (
        SELECT delta_id FROM {schema}.ledger_delta ORDER BY delta_id LIMIT 10000 FOR UPDATE SKIP LOCKED
    ) RETURNING number, type_id, priority, cell, value
)""",
                """    SELECT * FROM {schema}.ledger_delta ORDER BY delta_id LIMIT 10000
), gone AS (
    DELETE FROM {schema}.ledger_delta WHERE delta_id IN (SELECT delta_id FROM taken)
)""",
            ),
        ),
    ),
)
SAVE_UNGUARDED: Final = Mutant(
    "a save is of the row that was decided on",
    (Edit("    ) WHERE j.key = s.key AND j.version = s.before;", "    ) WHERE j.key = s.key AND s.before > 0;"),),
)
END_UNGUARDED: Final = Mutant(
    "an ending is of the row that was decided on",
    (Edit("        WHERE j.key = x.key AND j.version = x.before\n", "        WHERE j.key = x.key AND x.before > 0\n"),),
)


# Not here: to lock and to look in one statement where jobs arrive. That batch waits for no mailbox. One that it had has
# been there since its statement began, as nobody updates its row, and no commit leaves a mailbox without a holder; or
# it is the batch's own, and nobody else had it. So an older snapshot says the same as a newer one: held, or free.


class Tried(NamedTuple):
    """A mutant, the load that finds it, and for how long it may hide; ``slow``: a race on stage finds it sooner."""

    name: str
    mutant: Mutant
    shape: Shape
    seconds: float
    slow: bool = True


TRIED: Final = (
    Tried("look_before_lock", LOOK_BEFORE_LOCK, DENSE, 120),
    Tried("lock_and_look", LOCK_AND_LOOK, DENSE, 240),
    Tried("requeue_first", REQUEUE_FIRST, DENSE, 30),
    Tried("no_fence", NO_FENCE, DENSE, 30),
    Tried("fence_the_living", FENCE_THE_LIVING, DENSE, 30),
    Tried("fence_any_number", FENCE_ANY_NUMBER, DENSE, 30),
    Tried("claims_wait", CLAIMS_WAIT, DENSE, 120),
    Tried("unsorted_locks", UNSORTED_LOCKS, DENSE, 120),
    Tried("updated_mailbox", UPDATED_MAILBOX, DENSE, 300),
    Tried("arrivals_wait", ARRIVALS_WAIT, DENSE, 120),
    Tried("no_true_head", NO_TRUE_HEAD, SPARSE, 60),
    Tried("parked_only", PARKED_ONLY, DENSE, 60, slow=False),
    Tried("fold_twice", FOLD_TWICE, DENSE, 120),
    Tried("save_unguarded", SAVE_UNGUARDED, DENSE, 60),
    Tried("end_unguarded", END_UNGUARDED, DENSE, 60),
)
