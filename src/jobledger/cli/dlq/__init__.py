"""``jobledger dlq``: the dead letters."""

from __future__ import annotations

import typer

from jobledger.cli.dlq import bury, look

EPILOG = """A dead letter is a job that failed for good. It stays, with every error, until you replay or discard it:

\b
  jobledger dlq list
  jobledger dlq show 01936f0c-93a3-7cc6-8d24-5a1e8c6f0b11
  jobledger dlq replay --all --type email.send"""

group = typer.Typer(
    name="dlq", no_args_is_help=True, rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False,
    help="See, replay and discard dead letters.", epilog=EPILOG,
)  # fmt: skip
group.command("list", epilog=look.LIST_EPILOG)(look.list_dead)
group.command("show", epilog=look.SHOW_EPILOG)(look.show)
group.command("replay", epilog=bury.REPLAY_EPILOG)(bury.replay)
group.command("discard", epilog=bury.DISCARD_EPILOG)(bury.discard)
