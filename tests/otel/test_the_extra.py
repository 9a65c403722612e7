"""OpenTelemetry is an extra: nobody who doesn't ask for it pays for it, or needs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from jobledger import App, Telemetry
from jobledger.errors import InvalidOption

WORKING = """
import asyncio, sys
from jobledger import App
{before}
app = App("sqlite:///jobs.db")

@app.job("work")
async def work() -> None: ...

async def main() -> None:
    async with app.worker():
        await work.result(await work.submit(), wait=30)
        await app.metrics.text(openmetrics=True)

asyncio.run(main())
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("opentelemetry", "google", "requests")))
"""

UNINSTALLED = """
import asyncio, sys
sys.modules["opentelemetry"] = None
from jobledger import App, Telemetry

async def main() -> None:
    app = App("sqlite:///jobs.db", telemetry=Telemetry({settings}))
    app.job("work")(lambda: None)
    async with app.worker():
        print("working")

try:
    asyncio.run(main())
except ValueError as error:
    print(error)
"""


def run(code: str, folder: Path) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, text=True, timeout=50, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_nothing_of_it_is_imported_unasked(tmp_path: Path) -> None:
    assert run(WORKING.format(before=""), tmp_path) == "[]"


def test_it_need_not_be_installed(tmp_path: Path) -> None:
    assert "opentelemetry" in run(WORKING.format(before="sys.modules['opentelemetry'] = None"), tmp_path)


@pytest.mark.parametrize("settings", ["", "spans='off'", "metrics=False"])
def test_who_asks_for_it_is_told_what_to_install(settings: str, tmp_path: Path) -> None:
    assert run(UNINSTALLED.format(settings=settings), tmp_path) == (
        "telemetry needs OpenTelemetry: pip install 'jobledger[otel]'"
    )


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"interval": 0}, "interval must be 0.1 to 86,400 seconds, not 0"),
        ({"interval": float("nan")}, "interval must be"),
        ({"interval": True}, "interval must be"),
        ({"interval": 10**400}, "interval must be"),
        ({"spans": "all"}, "spans is one of link, parent, off, not 'all'"),
        ({"endpoint": "collector:4318"}, "is no URL of HTTP"),
        ({"resource": {"a": ""}}, "neither may be empty"),
        ({"resource": None}, "resource maps names"),
        ({"resource": {"a": 1}}, "resource maps names"),
    ],
)
def test_a_setting_that_is_none(settings: dict[str, object], what: str) -> None:
    with pytest.raises(InvalidOption, match=what):
        Telemetry(**settings)  # type: ignore[arg-type]


def test_the_interval_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Telemetry().every() == 60
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "1500")
    assert (Telemetry().every(), Telemetry(interval=3).every()) == (1.5, 3)
    for told, what in (
        ("soon", "'soon' is no number of milliseconds"),
        ("1", "must be 0.1 to 86,400 seconds"),
    ):
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", told)
        with pytest.raises(InvalidOption, match=f"OTEL_METRIC_EXPORT_INTERVAL.*{what}"):
            Telemetry()


def test_an_app_without_telemetry_traces_nothing() -> None:
    assert type(App("sqlite:///jobs.db")._tracing).__name__ == "Untraced"
