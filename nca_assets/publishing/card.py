"""The dataset card: text from a template, all numbers from the warehouse or the code's constants."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nca_assets.automaton.families.catalog import FAMILIES
from nca_assets.automaton.fixed_point import CHANNELS, TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.description import RolloutSet
from nca_assets.errors import NcaError
from nca_assets.figures.catalog import FIGURES
from nca_assets.ids import RolloutId, member_name
from nca_assets.labels.names import CLASSES
from nca_assets.loading.streams import LONG_HORIZON
from nca_assets.publishing.layout import CONFIGS, FIGURES_FOLDER, Config
from nca_assets.store.store import whole_file
from nca_assets.text import cell, markdown_table, number
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.sql_text import OWN_SETS

TEMPLATE = Path(__file__).with_name("card.md.jinja")

SIZES = {
    1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
}  # fmt: skip
"""The hub's size categories, by their exclusive upper bound in rows."""

CITATION = """@misc{nca_sequences_5m,
  author = {Tejaskumar Reddy J},
  title = {Emergent NCA Sequences 5M: Massive-Scale Synthetic Symbolic Dynamics},
  year = {2026},
  publisher = {Hugging Face},
}"""
"""The original dataset, on whose idea this one is based."""


@dataclass(frozen=True)
class Facts:
    """The card's numbers: rows of warehouse tables, as dictionaries."""

    sets: list[dict[str, Any]]
    total: dict[str, Any]
    behaviors: list[dict[str, Any]]
    comparison: list[dict[str, Any]]
    leaderboard: list[dict[str, Any]]
    snapshot: dict[str, Any]
    definitions: Mapping[str, RolloutSet]

    @property
    def splits(self) -> list[str]:
        """The sets, in order."""
        return [row["set_name"] for row in self.sets]

    @property
    def frames(self) -> str:
        """The frames of a rollout, or their range if sets differ."""
        frames = sorted({row["frames"] for row in self.sets})
        return str(frames[0]) if len(frames) == 1 else f"{frames[0]} to {frames[-1]}"

    @property
    def families(self) -> list[str]:
        """The families that any of the sets draws its rules from."""
        drawn = {name for split in self.splits for name in self.definitions[split].families}
        return [family.name for family in FAMILIES if family.name in drawn]

    @property
    def size(self) -> str:
        """The hub's size category."""
        return next((name for rows, name in SIZES.items() if self.total["rollouts"] < rows), "n>100M")

    @property
    def changed(self) -> float:
        """Percent of the cells that change from the long-horizon task's last context frame to its target."""
        before, target = LONG_HORIZON[-2:]
        [row] = [row for row in self.comparison if row["statistic"] == f"cells changed, t{before} to t{target}"]
        return row["ours"]

    @property
    def summary(self) -> str:
        """The dataset in a sentence."""
        return (
            f"{self.total['rollouts']:,} rollouts of random Neural Cellular Automata, {self.total['tokens']:,} tokens "
            f"from a vocabulary of {TOKENS}, each with its behavior class and metrics, reproducible from its recipe"
        )


def facts(data: DataFolder) -> Facts:
    """The warehouse's facts about native rollouts. Raises ``NcaError`` if it is missing, or has none."""
    ours = OWN_SETS

    def ask(query: str) -> list[dict[str, Any]]:
        return whole_table(query, data).to_dicts()

    sums = """
        count(*) AS rollouts, count(DISTINCT (set_name, shard)) AS shards, max(frames) AS frames,
        min(least(height, width)) AS shortest_side, max(greatest(height, width)) AS longest_side,
        sum(height::BIGINT * width * frames)::BIGINT AS tokens
    """
    sets = ask(f"SELECT set_name, {sums} FROM labels WHERE {ours} GROUP BY set_name ORDER BY set_name")  # noqa: S608
    if not sets:
        raise NcaError(f"no native labeled rollouts in {data}: materialize some first")
    return Facts(
        sets=sets,
        definitions=data.sets,
        total=ask(f"SELECT {sums} FROM labels WHERE {ours}")[0],  # noqa: S608
        behaviors=ask("FROM behavior_summary WHERE origin = 'recipes'"),
        comparison=ask("FROM card_comparison"),
        leaderboard=ask("FROM long_horizon_leaderboard"),
        snapshot=ask("SELECT recipe_version, label_version, centroids_digest FROM snapshot")[0],
    )


def render(about: Facts, configs: Sequence[Config] = CONFIGS, original_layout: bool = False) -> str:
    """The card, in Markdown with the hub's YAML front matter, of a folder with ``configs``; ``original_layout`` if it
    also has that one."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,  # noqa: S701 - Markdown
    )  # fmt: skip
    environment.filters |= {"number": number, "table": _table}
    return environment.get_template(TEMPLATE.name).render(
        about=about, configs=configs, collections=configs[len(CONFIGS) :], figures=FIGURES,
        figures_folder=FIGURES_FOLDER, sets=about.definitions, tokens=TOKENS, channels=CHANNELS,
        context=LONG_HORIZON[:-1], target=LONG_HORIZON[-1], first_member=member_name(0), citation=CITATION,
        classes=CLASSES, changed=about.changed, first=RolloutId(about.splits[0], 0), original_layout=original_layout,
    )  # fmt: skip


def write_card(data: DataFolder) -> tuple[str, str]:
    """Write the card to ``data/dataset_card.md``; returns its text and SHA-256."""
    text = render(facts(data))
    with whole_file(data.card_file) as file:
        file.write(text.encode())
    return text, hashlib.sha256(text.encode()).hexdigest()


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None) -> str:
    """Rows as a Markdown table."""
    names = list(columns or rows[0])
    values = ([cell(row[name]) for name in names] for row in rows)
    return markdown_table([name.replace("_", " ") for name in names], values)
