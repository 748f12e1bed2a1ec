"""Random Neural Cellular Automaton rollouts: generation, labels, queries and loading.

This is the public API: ``nca.open`` opens a dataset, the other names work on its rollouts; ``docs/API.md`` documents
them. Importing the package loads no dependencies; each name loads its own on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nca_assets.api import Dataset as Dataset
    from nca_assets.api import classify as classify
    from nca_assets.api import measure as measure
    from nca_assets.api import open as open  # noqa: A004
    from nca_assets.api import simulate as simulate
    from nca_assets.api import sql as sql
    from nca_assets.api import states as states
    from nca_assets.errors import NcaError as NcaError
    from nca_assets.ids import RolloutId as RolloutId
    from nca_assets.loading.held import Batch as Batch
    from nca_assets.loading.loader import Loader as Loader
    from nca_assets.loading.mix import mix as mix
    from nca_assets.loading.source import Rollout as Rollout
    from nca_assets.loading.source import RolloutSource as RolloutSource
    from nca_assets.loading.streams import Stream as Stream
    from nca_assets.sequences.stream import Sequences as Sequences
    from nca_assets.tasks.long_horizon import evaluate as evaluate
    from nca_assets.tasks.predictions import write_predictions as write_predictions
    from nca_assets.tasks.scores import Scores as Scores

HOMES = {
    "open": "api",
    "Dataset": "api",
    "RolloutId": "ids",
    "Rollout": "loading.source",
    "RolloutSource": "loading.source",
    "Stream": "loading.streams",
    "mix": "loading.mix",
    "Loader": "loading.loader",
    "Batch": "loading.held",
    "Sequences": "sequences.stream",
    "simulate": "api",
    "states": "api",
    "classify": "api",
    "measure": "api",
    "sql": "api",
    "evaluate": "tasks.long_horizon",
    "Scores": "tasks.scores",
    "write_predictions": "tasks.predictions",
    "NcaError": "errors",
}
"""The module of each public name, in the order of the documentation."""

__all__ = list(HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
