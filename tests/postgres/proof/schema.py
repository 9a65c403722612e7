"""A schema for the proof: the migrations' text with one rule taken away, pauses in its gaps, and a log of mailboxes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest import mock

from jobledger._store.postgres import migrate
from jobledger._store.postgres.session import Session
from jobledger._store.postgres.sql import sql_of
from jobledger._store.postgres.store import PostgresStore
from jobledger._store.postgres.target import Target

if TYPE_CHECKING:
    from jobledger._store.postgres.migrate import Step


class Edit(NamedTuple):
    """A replacement in a text; what is replaced must be there exactly once."""

    old: str
    new: str


class Mutant(NamedTuple):
    """One rule taken away.

    Attributes:
        rule: which one.
        edits: of the migrations.
        statements: of ``door.sql``, by name.
    """

    rule: str
    edits: tuple[Edit, ...] = ()
    statements: tuple[tuple[str, Edit], ...] = ()


SOUND: Final = Mutant("no rule")

_PAUSE: Final = "PERFORM {schema}.proof_pause();\n"
# The gaps of a batch: between any two statements, another one may commit.
_GAPS: Final = (
    Edit("    RETURN v_clock;\n", f"    {_PAUSE}    RETURN v_clock;\n"),
    Edit("    RETURN v_locked;\n", f"    {_PAUSE}    RETURN v_locked;\n"),
    Edit("    INTO o_deltas, o_entities;\n", f"    INTO o_deltas, o_entities;\n    {_PAUSE}"),
    Edit(
        "        v_done := {schema}.activate(v_heads, p_now, false",
        f"        {_PAUSE}        v_done := {{schema}}.activate(v_heads, p_now, false",
    ),
    Edit("    INSERT INTO {schema}.mailbox (entity)\n", f"    {_PAUSE}    INSERT INTO {{schema}}.mailbox (entity)\n"),
    Edit("    -- A later statement: it sees", f"    {_PAUSE}    -- A later statement: it sees"),
    Edit("    SELECT array_agg(q.key) INTO v_rest FROM", f"    {_PAUSE}    SELECT array_agg(q.key) INTO v_rest FROM"),
    Edit(
        "        PERFORM drop_mailboxes(v_touched);\n", f"        {_PAUSE}        PERFORM drop_mailboxes(v_touched);\n"
    ),
    Edit(
        "        PERFORM drop_mailboxes(v_done.o_locked);\n",
        f"        {_PAUSE}        PERFORM drop_mailboxes(v_done.o_locked);\n",
    ),
    Edit("    PERFORM book_counts(p_me, v_deltas", f"    {_PAUSE}    PERFORM book_counts(p_me, v_deltas"),
)
_FUNCTION: Final = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION \{schema\}\.(\w+)\(.*?\$f\$.*?\$f\$;\n", re.DOTALL)
_LOOK: Final = "SELECT array_agg(h.key) INTO v_heads FROM"
_SEEN: Final = (
    "SELECT CASE WHEN set_config('proof.look', pg_current_snapshot()::text, true) <> '' THEN array_agg(h.key) END"
    " INTO v_heads FROM"
)
_PAUSES: Final = """
CREATE FUNCTION {schema}.proof_pause() RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    IF random() < 0.12 THEN
        PERFORM pg_sleep(random() * 0.01);
    END IF;
END $f$;
"""
_FAST: Final = """
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$
"""
"""This is about logic, not about disks."""
_LOG: Final = """
-- Who entered a mailbox, and who left it: by which transaction, and on which look.
CREATE TABLE {schema}.proof_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, enters boolean NOT NULL, key bigint NOT NULL,
    seq bigint NOT NULL, entity text NOT NULL, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), look pg_snapshot
);
CREATE FUNCTION {schema}.proof_note() RETURNS trigger LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $f$
DECLARE
    v_was boolean := TG_OP <> 'INSERT' AND OLD.lane IN ('arrived', 'parked');
    v_is boolean := TG_OP <> 'DELETE' AND NEW.lane IN ('arrived', 'parked');
BEGIN
    IF v_is AND NOT v_was THEN
        INSERT INTO proof_log (enters, key, seq, entity) VALUES (true, NEW.key, NEW.seq, NEW.entity);
    ELSIF v_was AND NOT v_is THEN
        INSERT INTO proof_log (enters, key, seq, entity, look) VALUES (false, OLD.key, OLD.seq, OLD.entity,
            CASE WHEN TG_OP = 'UPDATE' AND NEW.holds THEN current_setting('proof.look')::pg_snapshot END);
    END IF;
    RETURN NULL;
END $f$;
CREATE TRIGGER proof_note AFTER INSERT OR UPDATE OR DELETE ON {schema}.job
FOR EACH ROW EXECUTE FUNCTION {schema}.proof_note();
"""


def edited(text: str, edits: tuple[Edit, ...]) -> str:
    """The text with these replacements."""
    for old, new in edits:
        assert text.count(old) == 1, f"{text.count(old)} times: {old}"
        text = text.replace(old, new)
    return text


def _newest(steps: list[Step]) -> list[Step]:
    """Without functions that a later migration has anew, so that each is there once."""
    replaced: set[str] = set()

    def kept(found: re.Match[str]) -> str:
        return "" if found[1] in replaced else found[0]

    newest: list[Step] = []
    for step in reversed(steps):
        newest.insert(0, step._replace(text=_FUNCTION.sub(kept, step.text)))
        replaced |= {found[1] for found in _FUNCTION.finditer(step.text)}
    return newest


def _steps(mutant: Mutant, *, pauses: bool) -> list[Step]:
    """All migrations as one text, cut again where they were."""
    real = _newest(migrate.steps())
    mark = "\n-- the next migration\n"
    text = edited(mark.join(step.text for step in real), mutant.edits)
    if pauses:
        text = edited(text, _GAPS).replace(_LOOK, _SEEN)
    texts = text.split(mark)
    texts[-1] += (_PAUSES + _LOG) if pauses else ""
    return [step._replace(text=part) for step, part in zip(real, texts, strict=True)]


class Place:
    """One schema; each store of it is a process of its own.

    Args:
        url: of an empty database.
        mutant: what is missing there.
        pauses: whether batches are held open at random, and mailboxes are logged.
    """

    def __init__(self, url: str, mutant: Mutant = SOUND, *, pauses: bool = True) -> None:
        self.target = Target.of(url)
        self._mutant = mutant
        steps = _steps(mutant, pauses=pauses)
        with mock.patch.object(migrate, "steps", return_value=steps):
            store = PostgresStore(self.target, migrating=True)
            store.declare((), 1)
            store.close()
        with self.session() as session:
            session.run(lambda s: s.fetch(_FAST))

    def open(self) -> PostgresStore:
        """One more process."""
        store = PostgresStore(self.target)
        sql = dict(sql_of(self.target.schema, "door.sql"))
        for name, (old, new) in self._mutant.statements:
            fit = self.target.schema
            sql[name] = edited(sql[name], (Edit(old.replace("{schema}", fit), new.replace("{schema}", fit)),))
        store._sql = store._committer._sql = sql
        return store

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection beside the store."""
        session = Session(self.target, "proof", {"lock_timeout": "10s"})
        try:
            yield session
        finally:
            session.close()

    def sql(self, text: str) -> str:
        """A statement for this schema."""
        return text.replace("{schema}", self.target.schema)
