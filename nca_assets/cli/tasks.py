"""Commands that score models."""

from __future__ import annotations

from nca_assets.cli.app import app


@app.command()
def baselines() -> None:
    """Train and score the baselines of the long-horizon task, and show the leaderboard."""
    from nca_assets.cli.tables import print_rows
    from nca_assets.in_process import score_baselines
    from nca_assets.project import Project
    from nca_assets.warehouse.answer import first_rows

    score_baselines()
    print_rows(*first_rows("FROM long_horizon_leaderboard", Project.load().data, most=100))
