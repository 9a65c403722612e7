"""Stores that stop in the middle of a batch, at a place in the text of its functions, until they are let on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from jobledger._core import books
from jobledger._core import commands as c
from jobledger._store.contract import Declaration, Enlistment
from jobledger.conformance.writer import Writer
from tests.postgres.proof.schema import Edit, Mutant, Place
from tests.waiting import until_blocking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from jobledger._core.job import Job
    from jobledger._store.postgres.session import Session
    from jobledger._store.postgres.store import PostgresStore

T = TypeVar("T")
GATE: Final = """

CREATE FUNCTION {schema}.proof_gate(p_name text) RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    IF p_name = ANY (string_to_array(current_setting('proof.gates', true), ' ')) THEN
        PERFORM pg_advisory_lock_shared(hashtext(p_name));
        PERFORM pg_advisory_unlock_shared(hashtext(p_name));
    END IF;
END $f$;

-- The store's clock, in microseconds.
"""
_GATES: Final = (
    Edit("\n-- The store's clock, in microseconds.\n", GATE),
    Edit("    RETURN v_locked;\n", "    PERFORM {schema}.proof_gate('locked');\n    RETURN v_locked;\n"),
    Edit(
        "    INTO o_deltas, o_entities;\n",
        "    INTO o_deltas, o_entities;\n    PERFORM {schema}.proof_gate('promoted');\n",
    ),
    Edit(
        "        PERFORM tell(p_events);\n    END IF;\n",
        "        PERFORM tell(p_events);\n    END IF;\n    PERFORM {schema}.proof_gate('ended');\n",
    ),
    Edit(
        "    v_free := p_claim.slots;\n", "    PERFORM {schema}.proof_gate('handed');\n    v_free := p_claim.slots;\n"
    ),
    Edit(
        "        v_done := arrive(v_entities, p_now, p_ladder);\n",
        "        PERFORM {schema}.proof_gate('picked');\n        v_done := arrive(v_entities, p_now, p_ladder);\n",
    ),
    Edit(
        "    PERFORM book_counts(p_me, v_deltas, p_own);\n",
        "    PERFORM {schema}.proof_gate('written');\n    PERFORM book_counts(p_me, v_deltas, p_own);\n",
    ),
)
_TYPES: Final = ("mail", "bill")
_SUBMIT: Final = "SELECT {schema}.submit($1, entity => $2)"
_SUBMIT_LATER: Final = "SELECT {schema}.submit($1, delay => $2::integer * interval '1 ms')"
_DUE: Final = "SELECT due_at <= {schema}.clock() FROM {schema}.job WHERE id = $1"
_HOLD: Final = "SELECT 1 FROM {schema}.job WHERE id = $1 FOR UPDATE"
_ENTER: Final = "SELECT set_config('proof.gates', $1, false)"
_SHUT: Final = "SELECT pg_advisory_lock(hashtext($1))"
_OPEN: Final = "SELECT pg_advisory_unlock(hashtext($1))"
_WAITS: Final = """
    SELECT EXISTS (SELECT 1 FROM pg_locks WHERE pid = $1 AND NOT granted AND locktype = ANY ($2::text[]))
"""


class House:
    """A place with gates, and stores with one writer each.

    Attributes:
        types: numbers of two job types.
    """

    def __init__(self, url: str, mutant: Mutant) -> None:
        self._exits = ExitStack()
        edits = (*mutant.edits, *_GATES)
        self.place = Place(url, Mutant(mutant.rule, edits, mutant.statements), pauses=False)
        self._porter = self._exits.enter_context(self.place.session())
        self._threads = self._exits.enter_context(ThreadPoolExecutor(8))
        self._stores: dict[Writer, PostgresStore] = {}
        self.client = self.enlist("client")
        declared = self._stores[self.client].declare(tuple(Declaration(name, name) for name in _TYPES), 9)
        self.types = tuple(type_.type_id for type_ in declared)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._porter.run(lambda s: s.fetch("SELECT pg_advisory_unlock_all()"))
        self._exits.close()
        for store in self._stores.values():
            store.close()

    def enlist(self, kind: Any = "worker", types: tuple[int, ...] | None = None) -> Writer:
        """A writer with a store of its own; its connection is open already."""
        store = self.place.open()
        handled = (types if types is not None else self.types) if kind == "worker" else ()
        writer = Writer(store, Enlistment(kind, "here", 1, 9, handled))
        writer.send()
        self._stores[writer] = store
        return writer

    def store(self, writer: Writer) -> PostgresStore:
        """The store through which it writes."""
        return self._stores[writer]

    # Doing

    def later(self, milliseconds: int) -> str:
        """A job that is due so much later; its id."""
        submit = self.place.sql(_SUBMIT_LATER)
        job_id: str = self._porter.run(lambda s: s.value(submit, _TYPES[0], milliseconds))
        return job_id

    def until_due(self, job_id: str) -> None:
        due = self.place.sql(_DUE)
        until_blocking(lambda: self._porter.run(lambda s: s.value(due, job_id)), f"{job_id} is due")

    def arrivals(self, *types: int, entity: str | None = "e") -> list[str]:
        """Jobs as the caller's own transaction makes them: nobody has looked at their mailboxes yet. Their ids."""
        submit = self.place.sql(_SUBMIT)
        return [self._porter.run(lambda s, type_=type_: s.value(submit, _TYPES[type_], entity)) for type_ in types]  # type: ignore[misc]

    def holding(self, job_id: str) -> AbstractContextManager[None]:
        """Somebody else has the row for a moment."""

        @contextmanager
        def held() -> Iterator[None]:
            with self.place.session() as session:
                session.run(lambda s: s.fetch("BEGIN"))
                session.run(lambda s: s.fetch(self.place.sql(_HOLD), job_id))
                yield
                session.run(lambda s: s.fetch("COMMIT"))

        return held()

    def start(self, worker: Writer, slots: int = 1) -> list[Job]:
        return [claimed.job for claimed in worker.send(claim=worker.asks(slots)).claimed]

    def settling(self, job: Job, outcome: Any, **more: Any) -> c.Settle:
        return c.Settle(job.id, job.key, job.run, job.writer_id or 0, outcome, 1, **more)

    def beside(self, do: Callable[[], T]) -> Future[T]:
        """In a thread of its own."""
        return self._threads.submit(do)

    async def folds(self, session: Session) -> None:
        """Fold what stands beside the ledger."""
        await session.fetch(self._stores[self.client]._sql["fold_deltas"])

    # Gates

    def shut(self, *gates: str) -> None:
        for gate in gates:
            self._porter.run(lambda s, gate=gate: s.fetch(_SHUT, gate))  # type: ignore[misc]

    def stops_at(self, writer: Writer, *gates: str) -> None:
        """From here on; a gate that is open lets it through."""
        self._stores[writer]._writing.run(lambda s: s.fetch(_ENTER, " ".join(gates)))

    def let_on(self, gate: str) -> None:
        self._porter.run(lambda s: s.fetch(_OPEN, gate))

    def until_stopped(self, writer: Writer) -> None:
        self._until_waits(writer, "stops at its gate", ("advisory",))

    def until_blocked(self, writer: Writer) -> None:
        self._until_waits(writer, "waits for a lock", ("transactionid", "tuple"))

    def until_waiting(self, writer: Writer) -> None:
        self._until_waits(writer, "waits, wherever", ("advisory", "transactionid", "tuple"))

    def until_blocked_or_done(self, who: Session | Writer, done: Future[Any]) -> None:
        session = self._stores[who]._writing if isinstance(who, Writer) else who
        kinds = ("transactionid", "tuple")
        until_blocking(
            lambda: done.done() or self._porter.run(lambda s: s.value(_WAITS, session.backend, kinds)),
            "it waits for a lock, or waits for nobody",
        )

    def _until_waits(self, writer: Writer, what: str, kinds: tuple[str, ...]) -> None:
        backend = self._stores[writer]._writing.backend
        until_blocking(
            lambda: self._porter.run(lambda s: s.value(_WAITS, backend, kinds)), f"writer {writer.writer_id} {what}"
        )

    # Looking

    def findings(self) -> list[str]:
        """All that an audit finds, and deadlocks."""
        store = self._stores[self.client]
        result = books.balance(store.audit())
        found = [check.equation for check in result.failed] + [finding.rule for finding in result.broken]
        return found + ["deadlock" for store in self._stores.values() for _ in range(store.deadlocks)]

    def lane(self, job_id: str) -> str:
        record = self._stores[self.client].record(job_id)
        return str(record.job.lane) if record is not None else "none"
