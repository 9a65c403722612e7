"""``jobledger dlq``: the dead letters."""

from __future__ import annotations

import typer

from jobledger.cli.dlq import bury, look
from jobledger.cli.help_page import Command, Group

EPILOG = """A dead letter is a job that failed for good. It stays, with every error, until you replay or discard it:

\b
  jobledger dlq list
  jobledger dlq show 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11
  jobledger dlq replay --all --type email.send"""

group = typer.Typer(
    name="dlq", cls=Group, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="See, replay and discard dead letters.", epilog=EPILOG,
)  # fmt: skip
group.command("list", cls=Command, epilog=look.LIST_EPILOG)(look.list_dead)
group.command("show", cls=Command, epilog=look.SHOW_EPILOG)(look.show)
group.command("replay", cls=Command, epilog=bury.REPLAY_EPILOG)(bury.replay)
group.command("discard", cls=Command, epilog=bury.DISCARD_EPILOG)(bury.discard)
