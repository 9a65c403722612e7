"""``jobledger export``: what other programs load, rendered from the catalog."""

from __future__ import annotations

import typer

from jobledger.cli.export import alerts, grafana
from jobledger.cli.help_page import Command, Group

EPILOG = """Rendered from the same catalog as the metrics, so that the names always fit:

\b
  jobledger export alerts > jobledger.yml
  jobledger export grafana > jobledger.json"""

group = typer.Typer(
    name="export", cls=Group, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Write files for programs that watch the metrics.", epilog=EPILOG,
)  # fmt: skip
group.command("alerts", cls=Command, epilog=alerts.EPILOG)(alerts.alerts)
group.command("grafana", cls=Command, epilog=grafana.EPILOG)(grafana.grafana)
