"""JSON in and out: payloads, results, and what they may be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import msgspec

from jobledger._config import MAX_PAYLOAD
from jobledger.errors import InvalidPayload

if TYPE_CHECKING:
    from collections.abc import Mapping


def enc_hook(value: Any) -> Any:  # noqa: ANN401 - the hook's contract
    """Pydantic models, where pydantic is in use, go as what they dump; kinds of str, such as JobId, as text."""
    if isinstance(value, str):
        return str(value)
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    message = f"{type(value).__name__} has no JSON form"
    raise NotImplementedError(message)


def dec_hook(wanted: type, value: Any) -> Any:  # noqa: ANN401 - the hook's contract
    """Pydantic models are validated by their own rules."""
    validate = getattr(wanted, "model_validate", None)
    if validate is not None:
        return validate(value)
    message = f"a parameter of type {wanted.__name__} can't be read from JSON"
    raise NotImplementedError(message)


_ENCODER = msgspec.json.Encoder(enc_hook=enc_hook, order=None)


def encode(value: object) -> bytes:
    """A value as JSON.

    Raises:
        InvalidPayload: it has no JSON form.
    """
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, OverflowError, NotImplementedError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise InvalidPayload(message) from error


def encode_payload(payload: Mapping[str, object]) -> bytes:
    """A payload as JSON: an object, not too large.

    Raises:
        InvalidPayload: it is no JSON object, or longer than 256 KiB.
    """
    encoded = encode(payload)
    if not encoded.startswith(b"{"):
        message = f"a payload is a JSON object (a dict), not {type(payload).__name__}; a list is a batch of payloads"
        raise InvalidPayload(message)
    if b"null" in encoded and _has_no_number(msgspec.to_builtins(payload, enc_hook=enc_hook)):
        raise InvalidPayload("not JSON: NaN and infinity have no JSON form; use None or a string")
    if len(encoded) > MAX_PAYLOAD:
        message = (
            f"the payload is {len(encoded):,} bytes, more than {MAX_PAYLOAD:,}: "
            "store the data elsewhere and pass a reference"
        )
        raise InvalidPayload(message)
    return encoded


def _has_no_number(value: object) -> bool:
    """Whether a float in it would be stored as null."""
    match value:
        case float():
            return not math.isfinite(value)
        case dict():
            return any(map(_has_no_number, cast("dict[str, object]", value).values()))
        case list() | tuple():
            return any(map(_has_no_number, cast("list[object]", value)))
        case _:
            return False


def decode(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    """JSON as plain data."""
    return msgspec.json.decode(data)
