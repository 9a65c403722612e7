"""A supervisor with less patience than the command's: of any command that speaks to it."""

import asyncio
import sys

from jobledger._clock import SystemClock
from jobledger._config import DEFAULT_LEASE_SECONDS
from jobledger.cli.logs import log_to_stderr
from jobledger.cli.output import Output
from jobledger.cli.worker.announcer import Announcer
from jobledger.cli.worker.limits import Limits
from jobledger.cli.worker.patience import Patience
from jobledger.cli.worker.supervisor import Supervisor


async def main(processes: str, grace: str, margin: str, ready: str, *command: str) -> int:
    limits = Limits(10, 1, float(grace), DEFAULT_LEASE_SECONDS)
    patience = Patience(float(grace), float(margin), float(ready))
    announcer = Announcer(Output(as_json=True), limits)
    return await Supervisor(command, int(processes), patience, announcer, SystemClock()).run()


log_to_stderr()
sys.exit(asyncio.run(main(*sys.argv[1:])))
