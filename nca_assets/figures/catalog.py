"""The figures, in the order of the dataset card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nca_assets.data_folder import DataFolder
from nca_assets.figures import comparisons, curves, grids, shares
from nca_assets.figures.chart import Picture, drawn, drawn_as_png
from nca_assets.store.location import Stored
from nca_assets.store.store import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Figure:
    """A figure: its name, caption, warehouse tables, and drawing function."""

    name: str
    caption: str
    tables: tuple[str, ...]
    draw: Callable[[DataFolder], Drawing]

    def png(self, data: DataFolder) -> bytes:
        """Draw it from the current warehouse. Raises ``NcaError`` if that is missing, or a rollout can't be read."""
        return drawn_as_png(lambda: self.draw(data))

    def make(self, data: DataFolder) -> Picture:
        """Draw it, and write it as PNG and SVG under ``data/figures``. Raises as ``png`` does."""
        picture = drawn(lambda: self.draw(data))
        for suffix, content in (("png", picture.png), ("svg", picture.svg)):
            with whole_file(self.file(suffix, data)) as file:
                file.write(content)
        return picture

    def file(self, suffix: str, data: DataFolder) -> Stored:
        """Its location; ``suffix`` is png or svg."""
        return data.figure_file(self.name, suffix)


FIGURES = (
    Figure("behavior_donut", "Shares of the behavior classes", ("labels",), shares.behavior_donut),
    Figure(
        "phase_space",
        "Volatility and token entropy of the rollouts of each class",
        ("phase_space",),
        comparisons.phase_space,
    ),
    Figure("geometry", "Heights, widths, shape ratios and tokens per frame", ("geometry",), shares.geometry),
    Figure("token_frequency", "Frequency of each of the 32 tokens", ("token_frequency",), shares.token_frequency),
    Figure("tokens_used", "Number of the 32 tokens used per rollout", ("labels",), shares.tokens_used),
    Figure("evolution", "Evolution of a rollout over its frames", ("labels",), grids.evolution),
    Figure(
        "frame_curves",
        "Entropy, novelty and cumulative difference over the frames",
        ("frame_curves", "labels", "label_parts"),
        curves.frame_curves,
    ),
    Figure("lag_decay", "Similarity to frames 0 and 100 by lag, by class", ("lag_similarity",), curves.lag_decay),
    Figure(
        "long_horizon", "The sparse long-horizon task: context and target", ("labels", "splits"), grids.long_horizon
    ),
    Figure("gallery", "Typical rollouts of each behavior class", ("labels",), grids.gallery),
    Figure(
        "beside_the_card",
        "Our statistics beside those of the original dataset's card",
        ("card_comparison",),
        comparisons.beside_the_card,
    ),
)
