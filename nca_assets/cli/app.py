"""The command that the modules here add their own commands to."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="Generate, label and query random Neural Cellular Automaton rollouts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
