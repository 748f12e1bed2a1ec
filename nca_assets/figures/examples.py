"""Rollouts that figures show as examples: always the same ones of the same data, and grids as pictures of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from nca_assets.figures.palette import coloured
from nca_assets.loading.source import Rollout, RolloutSource
from nca_assets.naming import SETS
from nca_assets.settings import Settings
from nca_assets.warehouse.read import is_any_of

FEWEST_CELLS = 300
"""A picture of fewer shows little."""


def example(settings: Settings, *wishes: str) -> Rollout:
    """The first rollout of ours that meets all wishes, SQL conditions, or all but the last of them, and so on."""
    query = f"SELECT rollout_id FROM labels JOIN splits USING (rollout_id, set_name) WHERE {is_any_of(SETS)}"  # noqa: S608
    met = " + ".join(["0", *(f"({' AND '.join(wishes[: n + 1])})::INTEGER" for n in range(len(wishes)))])
    return RolloutSource.query(f"{query} ORDER BY {met} DESC, set_name, rollout_index LIMIT 1", settings)[0]


def show_grid(axes: Axes, tokens: NDArray[np.uint8], title: str = "") -> None:
    """A frame (height, width) in the tokens' colours, without scales."""
    axes.imshow(coloured(tokens), interpolation="nearest")
    axes.set_title(title, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])


def spread(frames: int, wanted: Sequence[int]) -> list[int]:
    """Those of ``wanted`` that a rollout of so many frames has, and its last."""
    return [*(frame for frame in wanted if frame < frames - 1), frames - 1]
