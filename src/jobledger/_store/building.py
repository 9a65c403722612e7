"""From a call of submit to commands, checked and with their ids: one job, or a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from jobledger._config import MAX_BATCH_BYTES, MAX_ITEMS
from jobledger._core.reads import JobType
from jobledger._store.codec import encode_payload
from jobledger._store.intake import check_distinct, form_of, name_of, not_an_object, type_of
from jobledger._types import JobId
from jobledger.errors import InvalidInput, InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jobledger._clock import Clock
    from jobledger._core.commands import Submit
    from jobledger._store.intake import Options
    from jobledger._store.known import KnownTypes


class Item(msgspec.Struct, frozen=True):
    """One job of a batch with options of its own; what is None comes from the batch's call."""

    payload: dict[str, Any]
    entity: str | None = None
    priority: str | None = None
    delay: float | None = None
    dedupe: str | None = None
    dedupe_for: float | None = None


class Built(msgspec.Struct, frozen=True, gc=False):
    """A command that can be sent, the id that its job will have, and the options that it was made of."""

    job_id: JobId
    sent: Submit
    options: Options


class Builder:
    """Makes commands of what a caller writes.

    Args:
        clock: makes ids.
        known: the types.
        check: checks a payload against its handler, where that is known.
    """

    def __init__(self, clock: Clock, known: KnownTypes, check: Callable[[str, bytes], None]) -> None:
        """Made by the JobService."""
        self._clock = clock
        self._known = known
        self._check = check
        self._latest: tuple[JobType, Options, Submit] | None = None

    def one(
        self, type_name: str, payload: Mapping[str, object] | None, options: Options, *, strange: bool = False
    ) -> Built:
        """One job; ``strange``: the type need not be known here, since the database will know it.

        Raises:
            UnknownType, InvalidPayload, InvalidOption: it could not be sent.
        """
        return self._made(self._type(type_name, strange=strange), {} if payload is None else payload, options)

    def _made(self, type_: JobType, payload: Mapping[str, object], options: Options) -> Built:
        if not isinstance(payload, dict) and not hasattr(payload, "keys"):
            raise not_an_object(payload)
        encoded = encode_payload(payload)
        self._check(type_.name, encoded)
        text = self._clock.new_id()
        return Built(JobId(text), replace(self._form(type_, options), id=text, payload=encoded), options)

    def _form(self, type_: JobType, options: Options) -> Submit:
        """Jobs of a batch have one in common."""
        if self._latest is None or self._latest[0] is not type_ or self._latest[1] is not options:
            self._latest = type_, options, form_of(type_, options)
        return self._latest[2]

    def _type(self, name: str, *, strange: bool) -> JobType:
        if strange and name_of(name, "type") is not None and name not in self._known:
            return JobType(0, name, name)
        return self._known.named(type_of(name))

    def many(self, type_name: str, payloads: Iterable[Any], options: Options, *, strange: bool = False) -> list[Built]:
        """A batch.

        Raises:
            UnknownType, InvalidPayload, InvalidOption: none of it could be sent; the message names the item.
        """
        items = [*payloads]
        if len(items) > MAX_ITEMS:
            message = f"a batch has at most {MAX_ITEMS:,} items, not {len(items):,}: send it in chunks"
            raise InvalidOption(message)
        if not items:
            return []
        type_ = self._type(type_name, strange=strange)
        built = [self._item(index, type_, item, options) for index, item in enumerate(items)]
        size = sum(len(one.sent.payload) for one in built)
        if size > MAX_BATCH_BYTES:
            message = f"a batch has at most {MAX_BATCH_BYTES:,} bytes of payload, not {size:,}: send it in chunks"
            raise InvalidOption(message)
        if options.on_duplicate == "raise":
            check_distinct([one.sent.dedupe for one in built])
        return built

    def _item(self, index: int, type_: JobType, item: Any, options: Options) -> Built:  # noqa: ANN401 - what a caller put into a list
        try:
            if not isinstance(item, Item):
                return self._made(type_, item, options)
            own = {name: value for name in item.__struct_fields__[1:] if (value := getattr(item, name)) is not None}
            payload: Any = item.payload
            return self._made(type_, {} if payload is None else payload, replace(options, **own))
        except InvalidInput as error:
            error.args = (f"item {index} of the batch: {error} (nothing was submitted)",)
            raise
