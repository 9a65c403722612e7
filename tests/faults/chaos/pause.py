"""Letting time pass: handlers that take a while, and a driver that looks now and then."""

from __future__ import annotations

import asyncio
import threading

_never = threading.Event()


async def pause(seconds: float) -> None:
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=seconds)


def pause_blocking(seconds: float) -> None:
    _never.wait(seconds)
