"""Commands that score models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from nca_assets.cli.app import app


@app.command()
def baselines() -> None:
    """Train and score the baselines of the long-horizon task, and show the leaderboard.

    What an interrupted run has scored is kept, and the next one goes on from there.
    """
    from nca_assets.cli.tables import print_rows
    from nca_assets.in_process import score_baselines
    from nca_assets.project import Project
    from nca_assets.tasks.boards import as_texts, curve_as_texts
    from nca_assets.tasks.leaderboard import read_boards

    score_baselines()
    boards = read_boards(Project.load().data)
    print_rows(*as_texts(boards.filter(board="all", horizon=64)))
    print("\ncross-entropy by horizon, frames after frame 48 (the task's is 64):")
    print_rows(*curve_as_texts(boards))


@app.command()
def score(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Written by nca.write_predictions.")],
    by: Annotated[
        Literal["all", "behavior", "difficulty", "size"],
        typer.Option(help="Compare within each class, tier of difficulty or size of grid."),
    ] = "all",
) -> None:
    """Check files of predictions for the test split, and rank them among the baselines.

    Files of one model count as its trainings.
    """
    from nca_assets.cli.tables import print_rows
    from nca_assets.project import Project
    from nca_assets.tasks.boards import as_texts, below_the_floor
    from nca_assets.tasks.leaderboard import rank_predictions

    boards, alone = rank_predictions(files, Project.load().data)
    for (value,), board in boards.filter(board=by, horizon=64).group_by("value", maintain_order=True):
        print(
            f"{value}, {board['rollouts'][0]} test rollouts" if by != "all" else f"{board['rollouts'][0]} test rollouts"
        )
        print_rows(*as_texts(board))
    if alone:
        print("(no scores of baselines for these rollouts: run 'nca baselines')")
    for line in below_the_floor(boards):
        print(f"suspicious: {line}")
