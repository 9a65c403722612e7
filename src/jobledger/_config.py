"""Limits and defaults, each in one place."""

from __future__ import annotations

from typing import Final

MAX_BATCH: Final = 500
"""Commands that one natural batch takes at most."""
MAX_ITEMS: Final = 10_000
MAX_BATCH_BYTES: Final = 16 * 1024 * 1024
"""A batch submit is one transaction: items and bytes that it may have."""
MAX_PAGE: Final = 1000
"""Jobs that one page of a list shows at most."""
MAX_PAYLOAD: Final = 256 * 1024
MAX_DEPTH: Final = 200
"""Lists and objects of a payload or a result, one in the other."""
MAX_DIGITS: Final = 4_000
"""Of a number in a payload or a result; Python reads no integer of more than 4,300."""
MAX_NAME: Final = 255
"""Characters of a type, an entity, a dedupe key or a batch id."""
MAX_ERROR: Final = 8 * 1024
MAX_MESSAGE: Final = 1024
MAX_HELP: Final = 255
"""Characters of what a metric of the users' own means."""
MAX_LIMIT: Final = 1_000_000
"""Attempts, or lost workers, that a job may have."""
MAX_FACTOR: Final = 1_000
MAX_DELAY_SECONDS: Final = 10 * 365 * 86_400.0
LABEL_BUDGET: Final = 200
"""Types with a label of their own; later ones share ``__other__``."""
SERIES_BUDGET: Final = 200
"""Series of one name of the users' own; later ones share the label ``__other__``."""
ALL_SERIES_BUDGET: Final = 2_000
"""Series of the users' own under all their names; what comes later is counted in two series for all of it."""
RETENTION_SECONDS: Final = 7 * 86_400.0
DEFAULT_SLOTS: Final = 100
DEFAULT_GRACE_SECONDS: Final = 30.0
DEFAULT_LEASE_SECONDS: Final = 10.0
"""How long others bear the silence of a worker before they take its jobs over."""
LEAST_LEASE_SECONDS: Final = 0.1
POLL_SECONDS: Final = 0.25
"""How late, at most, a worker sees what another process has committed."""
REFRESH_SECONDS: Final = 5.0
"""How old the known types and their defaults may get."""
URL_VARIABLE: Final = "JOBLEDGER_URL"
