"""The specification of a store as tests. Whoever writes a store runs them from one file of their own.

The file says how to open the store, and imports the suite:

    import pytest
    from jobledger.conformance.suite import *

    @pytest.fixture
    def store_factory(tmp_path):
        return MyFactory(tmp_path)      # a jobledger.conformance.factory.StoreFactory

After every test the books are audited: they must balance, and no structural rule may be broken. The suite needs pytest
and the marker ``slow``; time is passed in, nothing sleeps.
"""

from __future__ import annotations

from typing import Final

import pytest

TOPICS: Final = (
    "booking",
    "cancelling",
    "claiming",
    "dead_letters",
    "declaring",
    "deduping",
    "fencing",
    "mailboxes",
    "pushing",
    "random_walk",
    "reading",
    "recalling",
    "retention",
    "retrying",
    "sharing",
    "settling",
    "submitting",
    "suspects",
    "takeovers",
    "timing",
)

pytest.register_assert_rewrite(f"{__name__}.driver", *(f"{__name__}.{topic}" for topic in TOPICS))
