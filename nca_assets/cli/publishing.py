"""Commands that publish the dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nca_assets.cli.app import app


@app.command()
def publish(
    to: Annotated[
        Path | None, typer.Option(help="Folder to write; default: that of the asset published_dataset.")
    ] = None,
    original_layout: Annotated[
        bool, typer.Option("--original", help="Also write the shards as .npz and the labels as CSV.")
    ] = False,
    collection: Annotated[
        list[str] | None, typer.Option(help="Also write this collection, with tokens, as a config; repeat for more.")
    ] = None,
    push: Annotated[str, typer.Option(help="Upload it to this dataset on the Hugging Face hub, NAMESPACE/NAME.")] = "",
    private: Annotated[bool, typer.Option("--private", help="Make a new dataset on the hub private.")] = False,
) -> None:
    """Write the labeled rollouts as a dataset for the Hugging Face hub, with its card, and optionally upload it."""
    from nca_assets.cli.show import shown
    from nca_assets.in_process import publish_dataset
    from nca_assets.project import Project
    from nca_assets.publishing.publish import publish
    from nca_assets.store.store import cache_of

    project = Project.load()
    if to:
        with shown("publishing") as progress:
            publish(to, project.data, progress, original_layout, collection or ())
    else:
        publish_dataset(original_layout, collection or ())
    folder = to or cache_of(project.data.published_folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 1e6:,.1f} MB; check it with 'nca verify --published {folder}'")
    if push:
        from nca_assets.publishing.push import push as upload

        print(f"uploaded to {upload(folder, push, private)}")
