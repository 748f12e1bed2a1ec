"""Commands that query the warehouse."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nca_assets.cli.app import app
from nca_assets.cli.tables import MAX_ROWS, print_rows
from nca_assets.errors import NcaError
from nca_assets.text import counted


@app.command()
def sql(
    query: Annotated[str | None, typer.Argument(help="Query in DuckDB's SQL.")] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", help="Read the query from this file.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print the whole result as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the whole result as a JSON array.")] = False,
    parquet: Annotated[Path | None, typer.Option(help="Write the whole result to this Parquet file.")] = None,
) -> None:
    """Query the warehouse, read-only."""
    from nca_assets.project import Project
    from nca_assets.store.store import whole_file
    from nca_assets.warehouse.answer import first_rows, write_answer
    from nca_assets.warehouse.limits import limited_process

    data, text = Project.load().data, _query(query, file)
    if csv + json + (parquet is not None) > 1:
        raise NcaError("choose one of --csv, --json and --parquet")
    with limited_process():
        if parquet:
            with whole_file(parquet) as out:
                write_answer(text, data, "parquet", out)
        elif csv or json:
            write_answer(text, data, "csv" if csv else "json", sys.stdout.buffer)
        else:
            print_rows(*first_rows(text, data, MAX_ROWS + 1))


def _query(query: str | None, file: Path | None) -> str:
    if (query is None) == (file is None):
        raise NcaError("give either a query or a file with one, -f FILE")
    if file is None:
        return str(query)
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NcaError(f"can't read {file}: {error}") from None


@app.command()
def collect(
    name: Annotated[str, typer.Argument(help="Name of the collection.")],
    query: Annotated[str, typer.Argument(help="Query with a column rollout_id; default: the latest version's.")] = "",
    by: Annotated[str, typer.Option(help="Column of labels for --each and --total.")] = "behavior",
    each: Annotated[int | None, typer.Option(min=1, help="Balanced sample: this many of each value.")] = None,
    total: Annotated[int | None, typer.Option(min=1, help="Stratified sample: this many, in proportion.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample.")] = 0,
) -> None:
    """Freeze a query's result as the next version of a named collection of rollouts."""
    from nca_assets.in_process import collect as run

    if each and total:
        raise NcaError("choose one of --each and --total")
    made = run(name, {"query": query, "by": by, "each": each, "total": total, "seed": seed})
    rollouts = counted(made["dagster/partition_row_count"], "rollout")
    print(f"{made['path']}: version {made['version']}, {rollouts}")


@app.command()
def illuminate(
    name: Annotated[str, typer.Argument(help="Name of the collection.")],
    query: Annotated[str, typer.Argument(help="Query with a column rollout_id.")] = "SELECT rollout_id FROM labels",
    size: Annotated[int, typer.Option(min=1, help="Rollouts to choose.")] = 10_000,
    axes: Annotated[
        str, typer.Option(help="Labels that span the grid, like traveling,noise_bits; default: those of the documents.")
    ] = "",
) -> None:
    """Freeze rollouts chosen for their variety, over a fixed grid of labels, as the next version of a collection."""
    from nca_assets.in_process import collect as run
    from nca_assets.warehouse.illumination import AXES, Illumination

    chosen = Illumination(size, tuple(axes.split(",")) if axes else AXES)
    made = run(name, {"query": query, "size": chosen.size, "axes": list(chosen.axes)})
    rollouts = counted(made["dagster/partition_row_count"], "rollout")
    print(f"{made['path']}: version {made['version']}, {rollouts}")
    cells = counted(made["cells filled"], "cell")
    at_random = made["cells of as many at random"]
    print(f"{cells} filled of {made['cells of the query']:,} that hold any; as many rollouts at random: {at_random:,}")


@app.command()
def export() -> None:
    """Write the labels as CSV, one file per set, under the original dataset's file names."""
    from nca_assets.labels.export import export_csv
    from nca_assets.project import Project

    for file, rows in export_csv(Project.load().data).items():
        print(f"{file}: {counted(rows, 'rollout')}")
