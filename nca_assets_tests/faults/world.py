"""A small project with a file of every kind, made once; faults are done to it, and it is put back afterwards."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

TESTS = Path(__file__).parents[1]

SETS = """
[sets.set1]
seed = 1
folder = "nca_dataset"
frames = 129
smallest_side = 8
largest_side = 12

[sets.set2]
seed = 2
folder = "nca_dataset_set2"
frames = 129
smallest_side = 8
largest_side = 12
"""

SHARDS = ("set1-00000", "set1-00001", "set1-00002", "set2-00000")

SETTINGS = {
    "NCA_SHARDS_PER_SET": "3", "NCA_SHARD_SIZE": "2", "NCA_DEVICE": "cpu", "NCA_THREADS": "1", "NCA_MEMORY_MB": "64",
    "NCA_SQL_SECONDS": "20", "NCA_SQL_MEMORY_GB": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
}  # fmt: skip

PLACES: dict[str, tuple[str, ...]] = {
    "tokens": ("data/nca_dataset*/*.npz",),
    "manifest": ("data/nca_dataset*/*.json", "data/imported/*/*.json"),
    "labels": ("data/labels/*/*.parquet",),
    "curves": ("data/curves/*/*.parquet",),
    "sums": ("data/curve_sums/*/*.parquet",),
    "imported": ("life/*.npz",),
    "collection": ("data/collections/*/*.parquet",),
    "history": ("data/history/*.parquet",),
    "tasks": ("data/tasks/*.parquet",),
    "vocabulary": ("data/centroids.*",),
    "description": ("data/dataset.json",),
    "warehouse": ("data/nca.duckdb",),
    "unpacked": ("data/unpacked/*/*.tokens",),
    "finding": ("data/findings/*.txt",),
    "csv": ("data/*.csv",),
    "settings": ("nca.toml", "home/dagster.yaml"),
    "products": ("data/explorer.html", "data/dataset_card.md", "data/figures/*"),
    "published": ("data/published/**/*",),
}
"""The kinds of files of a project, by patterns."""


@dataclass(frozen=True)
class World:
    """The project in a folder; ``kept`` is a copy of all its files, by path."""

    folder: Path
    kept: dict[Path, bytes]

    @classmethod
    def of(cls, folder: Path) -> World:
        """The world that was made in ``folder``, as it is now."""
        return cls(folder, {file: file.read_bytes() for file in _files(folder)})

    def kinds(self) -> dict[str, list[Path]]:
        """The files that are faulted, by kind."""
        found = {
            kind: sorted(file for pattern in patterns for file in self.folder.glob(pattern) if file in self.kept)
            for kind, patterns in PLACES.items()
        }
        return {kind: files for kind, files in found.items() if files}

    def put_back(self) -> None:
        """Make all files as they were."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_symlink() or not path.is_dir():
                if path not in self.kept:
                    path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()
        (self.folder / "tmp").mkdir(exist_ok=True)
        for file, content in self.kept.items():
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file)
            if not file.exists() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.unlink(missing_ok=True)  # a new one, for which no cache takes it
                file.write_bytes(content)

    def changed(self) -> list[str]:
        """The files that are not as they were: changed, missing or new."""
        now = {file: file.read_bytes() for file in _files(self.folder)}
        names = {file for file in self.kept.keys() | now.keys() if self.kept.get(file) != now.get(file)}
        return sorted(str(file.relative_to(self.folder)) for file in names)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_relative_to(folder / "tmp"))


def enter(folder: Path) -> None:
    """Make the project in ``folder`` that of this process."""
    for name in [name for name in os.environ if name.startswith("NCA_")]:
        del os.environ[name]
    os.environ |= SETTINGS | {"DAGSTER_HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    os.environ |= {"NCA_DATA": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache")}
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    os.chdir(folder)


def make(folder: Path) -> None:
    """Fill ``folder``, the working folder of this process: sets of ours and an imported one with labels, a vocabulary,
    two collections, history, scores, unpacked shards, CSV, a finding, and a warehouse."""
    import numpy as np
    import polars as pl

    from nca_assets.ids import ShardKey
    from nca_assets.labels.export import export_csv
    from nca_assets.labels.table import polars_schema, write_table
    from nca_assets.labels.write import write_labels
    from nca_assets.loading.unpacked import unpack
    from nca_assets.project import Project
    from nca_assets.shards.imported import register
    from nca_assets.shards.write import write_shard
    from nca_assets.vocabulary.centroids import read_centroids, save_centroids
    from nca_assets.warehouse.build import build_warehouse
    from nca_assets.warehouse.catalog import BOARD_COLUMNS, SCORE_COLUMNS
    from nca_assets.warehouse.collections import freeze
    from nca_assets.warehouse.history import Event, append_history

    (folder / "nca.toml").write_text(SETS)
    (folder / "home").mkdir()
    shutil.copy(TESTS.parent / ".dagster" / "dagster.yaml", folder / "home")
    project = Project.load()
    data, resources = project.writable_data(), project.resources
    vocabulary = read_centroids(TESTS / "golden" / "centroids.pt")
    save_centroids(vocabulary, data, "learned")
    for name in SHARDS:
        write_shard(ShardKey.parse(name), vocabulary, data, resources)
        write_labels(ShardKey.parse(name), data, resources)
    (folder / "life").mkdir()
    for number in range(2):
        movie = np.random.default_rng(number).integers(0, 9, (2, 129, 6, 7), dtype=np.uint8)
        np.savez_compressed(folder / f"life/{number}.npz", allow_pickle=False, movie=movie)
        register(ShardKey("life", number), folder / f"life/{number}.npz", data)
        write_labels(ShardKey("life", number), data, resources)
    for file, columns in ((data.scores_file, SCORE_COLUMNS), (data.boards_file, BOARD_COLUMNS)):
        write_table(pl.DataFrame(schema=polars_schema(columns)), file, data)
    for n, asset in enumerate(("rollout_shards", "behavior_labels")):
        events = [
            Event(n, asset, key, datetime(2026, 1, 1), f"run {n}", "1", None, {}, None, 1.0, None) for key in SHARDS
        ]
        append_history(events, data)
    build_warehouse(data)
    for name in ("a", "b"):
        freeze(name, f"SELECT rollout_id FROM labels WHERE set_name <> '{name}'", data)
    build_warehouse(data)
    for key in ("set1-00000", "set2-00000", "life-00000"):
        unpack(ShardKey.parse(key), data)
    export_csv(data)
    (folder / "data/findings").mkdir()
    (folder / "data/findings/set1-00002.txt").write_text("a finding\n")
