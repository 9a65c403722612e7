"""An error as the job's history keeps it: a traceback that begins in the handler, and not too long."""

from __future__ import annotations

import concurrent.futures
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jobledger._config import MAX_ERROR

if TYPE_CHECKING:
    from types import TracebackType

_PASSWORD: Final = re.compile(r"(://[^\s:/@]*):[^\s/@]+@")
"""Of a URL: drivers quote the one that they could not use."""
_FOREIGN: Final = (str(Path(__file__).parent), str(Path(concurrent.futures.__file__).parent))


def told(error: BaseException) -> str:
    """The traceback from the first frame that isn't the runtime's own."""
    return clipped("".join(traceback.format_exception(type(error), error, _handlers_own(error.__traceback__))))


def clipped(error: str) -> str:
    """The end of a long error: that is where the exception is named.

    What a database can't hold is made visible, and the password of a URL is not.
    """
    text = error.encode("utf-8", "replace").decode().replace("\0", r"\x00")
    text = _PASSWORD.sub(r"\1:***@", text)
    return text if len(text) <= MAX_ERROR else "…" + text[-MAX_ERROR:]


def _handlers_own(frames: TracebackType | None) -> TracebackType | None:
    left = frames
    while left is not None and left.tb_frame.f_code.co_filename.startswith(_FOREIGN):
        left = left.tb_next
    return frames if left is None else left
