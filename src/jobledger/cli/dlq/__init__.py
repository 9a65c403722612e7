"""``jobledger dlq``: the dead letters."""

from __future__ import annotations

import typer

from jobledger.cli.dlq import bury, look

group = typer.Typer(
    name="dlq", no_args_is_help=True, rich_markup_mode="rich", add_completion=False, pretty_exceptions_enable=False,
    help="See, replay and discard dead letters: jobs that failed for good. None of them is ever dropped.",
)  # fmt: skip
group.command("list", epilog=look.LIST_EPILOG)(look.list_dead)
group.command("show", epilog=look.SHOW_EPILOG)(look.show)
group.command("replay", epilog=bury.REPLAY_EPILOG)(bury.replay)
group.command("discard", epilog=bury.DISCARD_EPILOG)(bury.discard)
