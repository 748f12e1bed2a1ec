"""``nca import``: what others made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nca_assets.cli.app import app
from nca_assets.cli.show import materialized

import_app = typer.Typer(help="Bring in your own data.", no_args_is_help=True)
app.add_typer(import_app, name="import")


@import_app.command()
def centroids(file: Annotated[Path, typer.Argument(help="A file of torch.save with a (32, 16) float tensor.")]) -> None:
    """Take your own vocabulary: checked, normalized, rounded to fixed point; shards made before become stale."""
    from nca_assets.in_process import import_vocabulary

    vocabulary = import_vocabulary(file).metadata
    print(f"{vocabulary['path']}: imported from {file}, digest {vocabulary['digest']}")


@import_app.command()
def shards(
    folder: Annotated[Path, typer.Argument(help="Folder of .npz files with arrays (T, H, W) or (N, T, H, W).")],
    name: Annotated[str, typer.Option(help="Name of the set; by default the folder's.")] = "",
) -> None:
    """Register other people's token shards where they lie, label them, and put them into the warehouse."""
    from nca_assets.in_process import import_shards

    for done in import_shards(folder, name or folder.resolve().name):
        print(materialized(done), flush=True)
