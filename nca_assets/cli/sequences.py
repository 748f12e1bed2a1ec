"""The command that writes token sequences for language models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nca_assets.cli.app import app
from nca_assets.cli.show import counted, shown

if TYPE_CHECKING:
    from nca_assets.api import Dataset
    from nca_assets.loading.source import RolloutSource


@app.command()
def sequences(
    selection: Annotated[
        str,
        typer.Argument(
            help="Condition on labels and splits, query with a column rollout_id, collection, or range of recipes such "
            "as set3/0-99999; default: all rollouts in shards."
        ),
    ] = "",
    to: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("sequences"),
    unit: Annotated[str, typer.Option(help="Cell, pair, or patch of 2 x 2 cells (two tokens).")] = "pair",
    length: Annotated[int, typer.Option(min=2, help="Tokens of each sequence.")] = 1024,
    spans: Annotated[int | None, typer.Option(min=1, help="Sequences of each rollout, at most; default: all.")] = None,
    complexity: Annotated[
        tuple[float, float] | None, typer.Option(help="Bounds of gzip's ratio, such as 0.3 0.4; default: any.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only train, validation or test; default: a file of each.")] = None,
    shuffled: Annotated[
        bool, typer.Option("--shuffled", help="Shuffle the cells of each sequence, as a control.")
    ] = False,
    recipes: Annotated[bool, typer.Option("--recipes", help="Simulate the tokens instead of reading shards.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the order, the spans and the control.")] = 0,
) -> None:
    """Write rollouts as token sequences for language models: train.bin, val.bin and test.bin, as nanoGPT reads them."""
    import nca_assets as nca
    from nca_assets.sequences.files import write_sequences

    source = _selected(selection, nca.open(), recipes)
    chosen = nca.Sequences(source, unit, length, spans, complexity, split, shuffled, seed)  # type: ignore[arg-type]
    with shown("rollouts") as progress:
        described = write_sequences(chosen, to, selection, progress)
    for name, file in described["files"].items():
        print(
            f"{to / name}: {counted(file['sequences'], 'sequence')}, {counted(file['tokens'], 'token')} from "
            f"{counted(file['rollouts'], 'rollout')}, digest {file['sha256'][:12]}"
        )
    if split is None and (left_out := len(source) - len(chosen.positions)):
        print(f"{counted(left_out, 'rollout')} left out: two frames exceed {length} tokens, or all do not fill them")


def _selected(selection: str, data: Dataset, recipes: bool) -> RolloutSource:
    """The rollouts that a selection on the command line means."""
    if span := re.fullmatch(r"(\w+)/(\d+)-(\d+)", selection):
        return data.recipes(span[1], range(int(span[2]), int(span[3]) + 1))
    if re.fullmatch(r"\w+", selection):
        return data.collection(selection, recipes=recipes)
    if re.match(r"(select|from|with)\b", selection, re.IGNORECASE):
        return data.query(selection, recipes=recipes)
    if recipes or selection:
        return data.rollouts(selection or "true", recipes=recipes)
    return data.stored()
