"""The ``nca`` command: thin; each command calls the science or runs a job and prints what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from nca_assets.errors import NcaError
from nca_assets.progress import Progress

MOST_ROWS = 200

app = typer.Typer(
    help="Generate, label and query random Neural Cellular Automaton rollouts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
import_app = typer.Typer(help="Bring in your own data.", no_args_is_help=True)
app.add_typer(import_app, name="import")


def main() -> None:
    """Run the command; a failure is one line on stderr and exit status 1."""
    try:
        app()
    except NcaError as error:
        print(f"nca: {error}", file=sys.stderr)
        sys.exit(1)


@app.command()
def materialize(partitions: Annotated[list[str], typer.Argument(help="Partition keys, like set1-00000.")]) -> None:
    """Materialize shards with their labels, then the warehouse, in this process; the UI shows the same runs."""
    from nca_assets.automation.in_process import materialize_chain

    for done in materialize_chain(partitions):
        name = f"{done.asset} {done.partition}" if done.partition else done.asset
        print(f"materialized {name:34} {_summary(done.metadata)}", flush=True)


@app.command()
def sql(query: Annotated[str, typer.Argument(help="A query in DuckDB's SQL.")]) -> None:
    """Ask the warehouse; read-only."""
    import duckdb

    from nca_assets.settings import load_settings
    from nca_assets.warehouse.read import connect

    with connect(load_settings().data) as connection:
        try:
            answer = connection.sql(query)
            rows = answer.fetchmany(MOST_ROWS + 1) if answer else []
        except duckdb.Error as error:
            raise NcaError(f"DuckDB: {error}") from error
    if answer is None:
        raise NcaError("that query has no answer to show: give one that selects, like 'FROM behavior_summary'")
    table = Table(*answer.columns, box=box.SIMPLE_HEAD)
    for row in rows[:MOST_ROWS]:
        table.add_row(*(_cell(value) for value in row))
    _print(table)
    if len(rows) > MOST_ROWS:
        print(f"(only the first {MOST_ROWS} rows are shown; add a LIMIT, or open the file with DuckDB)")


@app.command()
def status() -> None:
    """Shards and labels by set: how many are there, and how large."""
    from nca_assets.settings import load_settings
    from nca_assets.shards.inventory import take_inventory

    settings = load_settings()
    columns = ("set", "shards", "labelled", "of", "rollouts", "tokens", "GB")
    table = Table(*columns, title=f"{settings.data}", box=box.SIMPLE_HEAD)
    for row in take_inventory(settings):
        table.add_row(
            row.set, f"{row.shards}", f"{row.labelled}", f"{settings.shards_per_set}", f"{row.rollouts:,}",
            f"{row.tokens:,}", f"{row.file_bytes / 1e9:.3f}",
        )  # fmt: skip
    _print(table)


@app.command()
def regenerate(
    rollout: Annotated[str, typer.Argument(help="Rollout, like set1/000017.")],
    to: Annotated[Path | None, typer.Option(help="File to write the tokens to, readable by numpy.load.")] = None,
) -> None:
    """Simulate one rollout from its recipe, whether or not its shard is there, and say its digest."""
    from nca_assets.files import whole_file
    from nca_assets.naming import RolloutId
    from nca_assets.settings import load_settings
    from nca_assets.shards.manifest import rollout_digest
    from nca_assets.shards.members import npy_bytes
    from nca_assets.shards.rollouts import regenerate

    wanted = RolloutId.parse(rollout)
    tokens = regenerate(wanted, load_settings())
    if to:
        with whole_file(to) as file:
            file.write(npy_bytes(tokens))
    frames, height, width = tokens.shape
    written = f"{to}: " if to else ""
    print(f"{written}{wanted}, {frames} frames of {height}x{width} cells, digest {rollout_digest(tokens)}")


@app.command()
def verify(
    partitions: Annotated[
        list[str] | None, typer.Argument(help="Partition keys; by default all that are there.")
    ] = None,
    rollouts: Annotated[int, typer.Option(min=1, help="Rollouts of each shard to simulate again.")] = 4,
    every: Annotated[bool, typer.Option("--all", help="Simulate every rollout again.")] = False,
) -> None:
    """Simulate rollouts of materialized shards again, and hold their digests against file and manifest."""
    from nca_assets.automaton.engine import choose_machine
    from nca_assets.naming import materialized_shards
    from nca_assets.settings import load_settings
    from nca_assets.shards.verify import verify_shard

    settings = load_settings()
    keys = [settings.shard_key(text) for text in partitions or []] or materialized_shards(settings.data)
    if not keys:
        raise NcaError(f"{settings.data} holds no shard to verify: materialize one first")
    machine = choose_machine(settings)
    failures = 0
    for key in keys:
        try:
            with tqdm(desc=str(key), unit=" rollouts", disable=None, leave=False) as bar:
                checked = verify_shard(key, settings, machine, settings.shard_size if every else rollouts, _moving(bar))
            print(f"{key}: {checked} rollouts simulated again, the same bytes", flush=True)
        except NcaError as error:
            failures += 1
            print(f"{key}: {error}", file=sys.stderr)
    if failures:
        raise NcaError(f"{failures} of {len(keys)} shards could not be verified")


@app.command()
def export() -> None:
    """Write the labels as CSV, one file a set, under the original dataset's names."""
    from nca_assets.labels.export import export_csv
    from nca_assets.settings import load_settings

    for file, rows in export_csv(load_settings().data).items():
        print(f"{file}: {rows:,} rollouts")


@app.command()
def gif(
    rollout: Annotated[str, typer.Argument(help="Rollout, like set1/000017.")],
    out: Annotated[Path | None, typer.Option(help="File to write; by default set1_000017.gif.")] = None,
    scale: Annotated[int, typer.Option(min=1, max=64, help="Pixels per cell.")] = 8,
    fps: Annotated[int, typer.Option(min=1, max=50, help="Frames per second.")] = 25,
    gray: Annotated[bool, typer.Option(help="Grayscale, as the original dataset's animations.")] = False,
) -> None:
    """Animate a rollout, from its shard or, if that is not materialized, from its recipe."""
    from nca_assets.figures.animation import animated_gif
    from nca_assets.files import whole_file
    from nca_assets.naming import RolloutId
    from nca_assets.settings import load_settings
    from nca_assets.shards.rollouts import rollout_tokens

    wanted = RolloutId.parse(rollout)
    tokens = rollout_tokens(wanted, load_settings())
    target = out or Path(f"{wanted.set}_{wanted.index:06d}.gif")
    with whole_file(target) as file:
        file.write(animated_gif(tokens, scale, fps, gray))
    frames, height, width = tokens.shape
    print(f"{target}: {frames} frames of {height}x{width} cells")


@import_app.command()
def centroids(file: Annotated[Path, typer.Argument(help="A file of torch.save with a (32, 16) float tensor.")]) -> None:
    """Take your own vocabulary: checked, normalized, put on the lattice; shards made before become stale."""
    from nca_assets.automation.in_process import materialize_centroids
    from nca_assets.settings import load_settings, require_writable
    from nca_assets.vocabulary.centroids import digest, import_centroids

    settings = load_settings()
    require_writable(settings.data)
    vocabulary = import_centroids(file, settings.data)
    materialize_centroids()
    print(f"{settings.data / 'centroids.pt'}: imported from {file}, digest {digest(vocabulary)}")


def _summary(metadata: dict[str, object]) -> str:
    shown = []
    if isinstance(rows := metadata.get("dagster/partition_row_count", metadata.get("dagster/row_count")), int):
        shown.append(f"{rows:,} rows")
    if isinstance(tokens := metadata.get("tokens"), int):
        shown.append(f"{tokens:,} tokens")
    if isinstance(rate := metadata.get("tokens per second"), float):
        shown.append(f"{rate / 1e6:.2f}M tokens/s on {metadata['device']}")
    if isinstance(digest := metadata.get("digest"), str):
        shown.append(f"digest {digest[:12]}")
    return ", ".join(shown)


def _moving(bar: tqdm) -> Progress:
    def move(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return move


def _print(table: Table) -> None:
    # A log or a pipe has no width of its own, and wrapping there only hurts: the table takes what it needs.
    Console(width=None if sys.stdout.isatty() else 10_000).print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:,.6g}"
    return str(value)


if __name__ == "__main__":
    main()
