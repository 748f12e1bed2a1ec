"""The figures, in the order in which the dataset card shows them. Each is drawn by the module of its name beside this
file: ``data`` asks the warehouse for what it shows, ``draw`` makes the picture of it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nca_assets.data_folder import DataFolder
from nca_assets.files import whole_file
from nca_assets.storage import Stored

if TYPE_CHECKING:
    from nca_assets.figures.chart import Picture


@dataclass(frozen=True)
class Figure:
    """A figure: its name, what it shows in a sentence, and the tables of the warehouse that it is made from."""

    name: str
    caption: str
    tables: tuple[str, ...]

    def picture(self, data: DataFolder) -> Picture:
        """What the warehouse gives now. Raises ``NcaError`` if it is missing, or a rollout shown can't be read."""
        from nca_assets.figures.chart import drawn

        module = importlib.import_module(f"nca_assets.figures.{self.name}")
        shown = module.data(data)
        return drawn(lambda: module.draw(shown))

    def make(self, data: DataFolder) -> Picture:
        """The same, and write it as PNG and SVG under ``data/figures``."""
        picture = self.picture(data)
        for form, content in (("png", picture.png), ("svg", picture.svg)):
            with whole_file(self.file(form, data)) as file:
                file.write(content)
        return picture

    def file(self, form: str, data: DataFolder) -> Stored:
        """Where it lies; ``form`` is png or svg."""
        return data.figure_file(self.name, form)


FIGURES = (
    Figure("behavior_donut", "Shares of the behavior classes", ("labels",)),
    Figure("phase_space", "Volatility and token entropy of each rollout, by class", ("phase_space",)),
    Figure("geometry", "Heights, widths, shape ratios and tokens per frame", ("geometry",)),
    Figure("token_frequency", "How often each of the 32 tokens occurs", ("token_frequency",)),
    Figure("tokens_used", "How many of the 32 tokens a rollout uses", ("labels",)),
    Figure("evolution", "A rollout that evolves, over its frames", ("labels",)),
    Figure("frame_curves", "Entropy, novelty and cumulative difference over the frames", ("frame_curves",)),
    Figure("lag_decay", "Likeness to frames 0 and 100 by lag, by class", ("lag_similarity",)),
    Figure("long_horizon", "The sparse long-horizon task: context and target", ("labels", "splits")),
    Figure("gallery", "Typical rollouts of each behavior class", ("labels",)),
    Figure("beside_the_card", "Our statistics beside those of the original dataset's card", ("card_comparison",)),
)
