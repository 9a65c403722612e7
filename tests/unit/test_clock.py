"""The clocks of the system, as the runtime asks for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLEPT = 100_000
ASK = "from jobledger._clock import SystemClock as c; print(c().uptime() - c().monotonic())"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the monotonic clock counts sleep")
def test_the_time_of_a_lease_counts_sleep() -> None:
    """A machine that has slept is one on which those two clocks are apart: so is a time namespace."""
    here = [sys.executable, "-c", ASK]
    asleep = ["unshare", "--user", "--map-root-user", "--time", "--boottime", str(SLEPT), "--fork", *here]
    tried = subprocess.run(asleep, capture_output=True, text=True, check=False)
    if tried.returncode and "unshare" in tried.stderr:
        pytest.skip(f"no time namespace can be made here: {tried.stderr.strip()}")
    awake = subprocess.run(here, capture_output=True, text=True, check=True)
    assert float(tried.stdout) - float(awake.stdout) == pytest.approx(SLEPT, abs=60)
