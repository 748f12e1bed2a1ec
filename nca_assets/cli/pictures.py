"""Commands that draw figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nca_assets.cli.app import app


@app.command()
def figures() -> None:
    """Draw the figures, and write the explorer and the dataset card, from the warehouse."""
    from nca_assets.in_process import draw_figures

    for done in draw_figures():
        print(f"{done.metadata['path']}: {done.metadata['bytes']:,} bytes", flush=True)


@app.command()
def explore(
    condition: Annotated[str, typer.Argument(help="SQL condition on labels and splits.")] = "true",
    most: Annotated[int, typer.Option(min=1, help="Maximum number of rollouts, some of each class.")] = 2000,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("explorer.html"),
) -> None:
    """Write one HTML file that plays rollouts in a browser, without a server or network."""
    from nca_assets.cli.show import shown
    from nca_assets.explorer.page import write_explorer
    from nca_assets.explorer.selection import explored
    from nca_assets.project import Project
    from nca_assets.text import counted

    source = explored(Project.load().data, condition, most)
    with shown("explorer") as progress:
        written = write_explorer(source, out, progress)
    print(f"{out}: {counted(written.rollouts, 'rollout')}, {written.bytes / 1e6:.1f} MB; open it in a browser")
