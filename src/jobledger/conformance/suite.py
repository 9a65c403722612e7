"""All of the suite, to be imported whole: ``from jobledger.conformance.suite import *``."""

from __future__ import annotations

from jobledger.conformance.booking import TestBooks, TestBuckets, TestUserSeries
from jobledger.conformance.cancelling import TestCancellingWhatRuns, TestCancellingWhatWaits
from jobledger.conformance.claiming import TestClaiming
from jobledger.conformance.dead_letters import TestDiscarding, TestOnlyTheDead, TestReplaying
from jobledger.conformance.declaring import TestDeclaring
from jobledger.conformance.deduping import TestDeduping
from jobledger.conformance.exemplifying import TestExemplars
from jobledger.conformance.fencing import TestFencing
from jobledger.conformance.fixtures import audited, driver
from jobledger.conformance.leases import TestVitals
from jobledger.conformance.mailboxes import TestMailboxes
from jobledger.conformance.noticing import TestProspects, TestWakeUps
from jobledger.conformance.overviewing import TestOverviews
from jobledger.conformance.pushing import TestIdentity, TestTurns
from jobledger.conformance.random_walk import TestRandomWalk
from jobledger.conformance.reading import TestPages, TestProbes, TestRecords
from jobledger.conformance.recalling import TestRecalling
from jobledger.conformance.retention import TestRetention
from jobledger.conformance.retrying import TestBackOffOfAnEntity, TestRetrying
from jobledger.conformance.sampling import TestSamples
from jobledger.conformance.settling import TestSettling, TestStaleness, TestWhatACompletionCarries
from jobledger.conformance.sharing import TestSharing
from jobledger.conformance.submitting import TestSubmitting, TestSubmittingMany
from jobledger.conformance.suspects import TestSuspects
from jobledger.conformance.takeovers import TestFolding, TestRetiring, TestTakeovers
from jobledger.conformance.timing import TestLasting, TestProcessing, TestTheClock, TestWaiting

__all__ = [
    "TestBackOffOfAnEntity",
    "TestBooks",
    "TestBuckets",
    "TestCancellingWhatRuns",
    "TestCancellingWhatWaits",
    "TestClaiming",
    "TestDeclaring",
    "TestDeduping",
    "TestDiscarding",
    "TestExemplars",
    "TestFencing",
    "TestFolding",
    "TestIdentity",
    "TestLasting",
    "TestMailboxes",
    "TestOnlyTheDead",
    "TestOverviews",
    "TestPages",
    "TestProbes",
    "TestProcessing",
    "TestProspects",
    "TestRandomWalk",
    "TestRecalling",
    "TestRecords",
    "TestReplaying",
    "TestRetention",
    "TestRetiring",
    "TestRetrying",
    "TestSamples",
    "TestSettling",
    "TestSharing",
    "TestStaleness",
    "TestSubmitting",
    "TestSubmittingMany",
    "TestSuspects",
    "TestTakeovers",
    "TestTheClock",
    "TestTurns",
    "TestUserSeries",
    "TestVitals",
    "TestWaiting",
    "TestWakeUps",
    "TestWhatACompletionCarries",
    "audited",
    "driver",
]
