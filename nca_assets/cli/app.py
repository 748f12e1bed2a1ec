"""The ``nca`` command, to which the other modules add subcommands."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from nca_assets.settings import require_known_names
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION

app = typer.Typer(
    help="Generate, label and query random Neural Cellular Automaton rollouts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"nca-assets {version('nca-assets')}: recipe {RECIPE_VERSION}, labels {LABEL_VERSION}")
        raise typer.Exit


@app.callback()
def _before_every_command(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the versions and exit.")
    ] = False,
) -> None:
    require_known_names()
