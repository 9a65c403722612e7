"""JSON in and out: payloads, results, and what they may be."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from jobledger._config import MAX_DEPTH, MAX_DIGITS, MAX_PAYLOAD
from jobledger.errors import InvalidPayload

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_DIGITS: Final = bytes(b"0"[0] if byte in b"0123456789" else 0 for byte in range(256))
_LONG_NUMBER: Final = b"0" * (MAX_DIGITS + 1)
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")


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
        encoded = _ENCODER.encode(value)
    except (TypeError, ValueError, OverflowError, NotImplementedError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise InvalidPayload(message) from error
    if len(encoded) <= MAX_DEPTH:  # too short for what is looked for below; nearly all are
        return encoded
    if _has_long_number(encoded):
        message = f"not JSON that everybody can read: a number has more than {MAX_DIGITS:,} digits; use a string"
        raise InvalidPayload(message)
    if _is_deep(encoded):
        message = f"nested more than {MAX_DEPTH} deep: store the data elsewhere, or flatten it"
        raise InvalidPayload(message)
    return encoded


def _has_long_number(encoded: bytes) -> bool:
    """Whether Python would refuse to read it again."""
    if len(encoded) <= MAX_DIGITS or _LONG_NUMBER not in encoded.translate(_DIGITS):
        return False
    return _LONG_NUMBER in _STRINGS.sub(b"", encoded).translate(_DIGITS)


def _is_deep(encoded: bytes) -> bool:
    """Whether a reader might not come to its end: how deep he can go depends on who calls him."""
    if encoded.count(b"[") + encoded.count(b"{") <= MAX_DEPTH:
        return False
    left = _STRINGS.sub(b"", encoded).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):  # each round takes the innermost away
        left = left.replace(b"[]", b"")
    return bool(left)


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
    left = [value]
    while left:
        one = left.pop()
        match one:
            case float():
                if not math.isfinite(one):
                    return True
            case dict():
                left += cast("dict[str, object]", one).values()
            case list() | tuple():
                left += cast("list[object]", one)
            case _:
                pass
    return False


def decode(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    """JSON as plain data."""
    return msgspec.json.decode(data)
