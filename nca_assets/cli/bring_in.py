"""``nca import``: other people's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nca_assets.cli.app import app
from nca_assets.cli.show import materialized
from nca_assets.errors import NcaError

import_app = typer.Typer(help="Bring in your own data.", no_args_is_help=True)
app.add_typer(import_app, name="import")


@import_app.command()
def centroids(file: Annotated[Path, typer.Argument(help="File from torch.save with a (32, 16) float tensor.")]) -> None:
    """Import a vocabulary: checked, normalized, rounded to fixed point. Existing shards become stale."""
    from nca_assets.in_process import import_vocabulary

    vocabulary = import_vocabulary(file).metadata
    print(f"{vocabulary['path']}: imported from {file}, digest {vocabulary['digest']}")


@import_app.command()
def shards(
    folder: Annotated[
        str, typer.Argument(help="Folder of .npz files with arrays (T, H, W) or (N, T, H, W), or s3://bucket/prefix.")
    ],
    name: Annotated[str, typer.Option(help="Name of the set; default: the folder's name.")] = "",
) -> None:
    """Register token shards in place, label them, and add them to the warehouse."""
    from nca_assets.in_process import import_shards
    from nca_assets.store.location import parse_location

    try:
        place = parse_location(folder)
    except ValueError as error:
        raise NcaError(f"can't import from {folder!r}: {error}") from None
    default = place.resolve().name
    for done in import_shards(place, name or default):
        print(materialized(done), flush=True)
