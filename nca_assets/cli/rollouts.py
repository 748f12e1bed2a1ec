"""Commands that make and show rollouts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nca_assets.cli.app import app
from nca_assets.cli.show import materialized, shown
from nca_assets.errors import NcaError
from nca_assets.text import counted

if TYPE_CHECKING:
    from nca_assets.ids import RolloutId
    from nca_assets.project import Project


@app.command()
def materialize(partitions: Annotated[list[str], typer.Argument(help="Partition keys, such as set1-00000.")]) -> None:
    """Materialize shards with their labels, then the warehouse, in this process. The runs also appear in the UI."""
    from nca_assets.in_process import materialize_chain

    for done in materialize_chain(partitions):
        print(materialized(done), flush=True)


@app.command()
def generate(
    partitions: Annotated[list[str], typer.Argument(help="Shards, such as set1-00000.")],
    to: Annotated[
        Path, typer.Option(help="Folder other than the project's data, which 'nca materialize' fills.")
    ] = Path("local"),
) -> None:
    """Simulate shards into a folder, without Dagster, labels or a warehouse: a quick look at identical bytes.

    Uses the folder's vocabulary; learns one if there is none.
    """
    from nca_assets.project import Project
    from nca_assets.shards.local import generate

    project = Project.load()
    keys = [project.shard_key(text) for text in partitions]
    if to.resolve() == project.data.root.resolve():
        raise NcaError(f"{to} is the project's data, managed by Dagster: use 'nca materialize', or another folder")
    data = project.at(to).writable_data()
    for key, manifest in generate(keys, data, project.resources, shown):
        print(
            f"{data.tokens_file(key)}: {counted(len(manifest.members), 'rollout')}, {manifest.tokens:,} tokens",
            flush=True,
        )


@app.command()
def regenerate(
    rollout: Annotated[str, typer.Argument(help="Rollout, such as set1/000017.")],
    to: Annotated[Path | None, typer.Option(help="File for the tokens, readable by numpy.load.")] = None,
) -> None:
    """Simulate one rollout from its recipe, with or without its shard, and print its digest."""
    from nca_assets.ids import RolloutId
    from nca_assets.project import Project
    from nca_assets.shards.manifest import rollout_digest
    from nca_assets.shards.members import npy_bytes
    from nca_assets.shards.rollouts import regenerate
    from nca_assets.store.store import whole_file

    wanted, project = RolloutId.parse(rollout), Project.load()
    tokens = regenerate(wanted, project.data, project.resources)
    if to:
        with whole_file(to) as file:
            file.write(npy_bytes(tokens))
    frames, height, width = tokens.shape
    written = f"{to}: " if to else ""
    print(f"{written}{wanted}, {frames} frames of {height}x{width} cells, digest {rollout_digest(tokens)}")


@app.command()
def gif(
    rollout: Annotated[
        str, typer.Argument(help="Rollout, such as set1/000017, or a query that selects some; default: random.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="File to write, or folder; default: set1_000017.gif.")] = None,
    form: Annotated[
        str, typer.Option(help="gif, mp4, or png for a sheet of frames; default: the suffix of --out, else gif.")
    ] = "",
    scale: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Pixels per cell; default: as fit in 512 pixels, or 192 in a sheet."),
    ] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Only this many frames, from the first.")] = None,
    fps: Annotated[int, typer.Option(min=1, max=50, help="Frames per second.")] = 25,
    gray: Annotated[bool, typer.Option(help="Grayscale, like the original dataset's animations.")] = False,
    most: Annotated[int, typer.Option(min=1, help="Maximum number of a query's rollouts to animate.")] = 4,
) -> None:
    """Animate rollouts, with frame numbers, from their shards or, if those are not stored, from their recipes."""
    from nca_assets.figures.animation import FORMATS
    from nca_assets.figures.examples import titled
    from nca_assets.figures.palette import colors_of, gray_levels
    from nca_assets.ids import is_own
    from nca_assets.project import Project
    from nca_assets.shards.rollouts import is_stored, rollout_tokens
    from nca_assets.store.store import whole_file

    project = Project.load()
    into = out if out and out.is_dir() else None
    ending = form or (out.suffix[1:] if out and not into else "gif")
    if ending not in FORMATS:
        raise NcaError(f"unsupported format {ending!r}: use one of {', '.join(FORMATS)}")
    chosen = _chosen(rollout, project, most)
    if len(chosen) > 1 and out and not into:
        raise NcaError(f"{len(chosen)} rollouts do not fit in one file: set --out to an existing folder")
    for wanted in chosen:
        if is_own(wanted.set) and not is_stored(wanted, project.data):
            print(f"{wanted} is not stored: simulated from its recipe", file=sys.stderr)
        tokens = rollout_tokens(wanted, project.data, project.resources)[:frames]
        colors = gray_levels() if gray else colors_of(wanted.set, project.data)
        name = f"{wanted.set}_{wanted.index:06d}.{ending}"
        target = into / name if into else out or Path(name)
        with whole_file(target) as file:
            file.write(FORMATS[ending](tokens, colors, titled(wanted, project.data), scale, fps))
        count, height, width = tokens.shape
        size = target.stat().st_size / 1000
        print(f"{target}: {wanted}, {counted(count, 'frame')} of {height}x{width} cells, {size:,.0f} kB", flush=True)


def _chosen(rollout: str, project: Project, most: int) -> list[RolloutId]:
    """The rollouts given by a name or a query; a random one if ``rollout`` is empty."""
    import random

    from nca_assets.ids import RolloutId
    from nca_assets.warehouse.answer import first_rows

    if not rollout:
        keys = project.data.shards()
        if not keys:
            raise NcaError(f"{project.data} has no shards to choose from: name a rollout, such as set1/000017")
        key = random.choice(keys)  # noqa: S311
        return [RolloutId(key.set, random.choice(project.data.rollout_indices(key)))]  # noqa: S311
    if " " not in rollout.strip():
        return [RolloutId.parse(rollout)]
    columns, rows = first_rows(rollout, project.data, most)
    if "rollout_id" not in columns or not rows:
        raise NcaError("the query returns no rollout: it needs a column rollout_id, like 'FROM labels LIMIT 3'")
    return [RolloutId.parse(str(row[columns.index("rollout_id")])) for row in rows]
