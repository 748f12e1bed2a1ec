"""The ``nca`` command, to which the other modules add subcommands."""

from __future__ import annotations

import typer

from nca_assets.settings import require_known_names

app = typer.Typer(
    help="Generate, label and query random Neural Cellular Automaton rollouts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _before_every_command() -> None:
    require_known_names()
