"""``python -m tests.observability.incidents``: break things, and see which alerts fire. See docs/incidents.md."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.observability.incidents.deployment import Deployment
from tests.observability.incidents.played import Verdict, played
from tests.observability.incidents.report import table
from tests.observability.incidents.stories import INCIDENTS
from tests.observability.prometheus import Prometheus
from tests.observability.scaled import scaled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.observability.incidents.incident import Incident

SCRAPE = 15
"""Seconds between two scrapes, before they are divided."""


async def run(chosen: Sequence[Incident], factor: int, folder: Path) -> list[Verdict]:
    """Play incidents at the same time, each in a deployment of its own, before one Prometheus."""
    async with AsyncExitStack() as stack:
        shops = [Deployment(one.name, folder / one.name.replace(" ", "-"), factor, one.crews) for one in chosen]
        await asyncio.gather(*(stack.enter_async_context(shop) for shop in shops))
        targets = {shop.name: [shop.target] for shop in shops}
        watch = Prometheus(folder / "prometheus", targets, rules=scaled(factor), interval=SCRAPE / factor)
        prometheus = stack.enter_context(watch)
        await asyncio.gather(*(asyncio.to_thread(prometheus.until_scraped, shop.name) for shop in shops))
        return await asyncio.gather(
            *(played(one, shop, prometheus, factor) for one, shop in zip(chosen, shops, strict=True))
        )


def main() -> int:
    """1 if an alert is missing, or one fired that should not."""
    asked = _asked()
    folder = Path(tempfile.mkdtemp(prefix="jobledger-incidents-"))
    began = time.monotonic()
    chosen = [one for one in INCIDENTS if not asked.only or one.name in asked.only]
    verdicts: list[Verdict] = []
    for number, some in enumerate(batched(chosen, asked.at_once)):
        verdicts += asyncio.run(run(some, asked.factor, folder / str(number)))
    sys.stdout.write(
        f"{table(verdicts, asked.factor)}\n\n{len(verdicts)} incidents, {time.monotonic() - began:.0f} s; "
    )
    sys.stdout.write(f"a minute of the rules is {60 / asked.factor:g} s (--factor {asked.factor})\n")
    if asked.keep:
        sys.stdout.write(f"everything is kept in {folder}\n")
    else:
        shutil.rmtree(folder)
    return 0 if all(verdict.right for verdict in verdicts) else 1


def batched(incidents: Sequence[Incident], size: int) -> Iterator[Sequence[Incident]]:
    """In turns of so many."""
    for first in range(0, len(incidents), size):
        yield incidents[first : first + size]


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.observability.incidents", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", choices=[one.name for one in INCIDENTS])
    parser.add_argument("--factor", type=int, default=60, help="by which lengths of time in the rules are divided")
    parser.add_argument("--at-once", type=int, default=6, metavar="N", help="incidents that are played at a time")
    parser.add_argument("--keep", action="store_true", help="keep logs and data")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
