"""Rebuilding and asking the warehouse at the size of the whole dataset, and the same questions to pandas and polars.

Run: ``python benchmarks/warehouse.py [--quick]``

5 million rows in 4,883 parts (a tenth with ``--quick``): real labels of some rollouts, repeated under other names.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from report import Metric, report, seconds
from tqdm import tqdm

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import ShardKey
from nca_assets.labels.table import read_table, write_table
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources, load
from nca_assets.shards.manifest import read_manifest, shard_digest
from nca_assets.shards.write import write_shard
from nca_assets.store.seal import read_sealed, write_sealed
from nca_assets.vocabulary.centroids import digest, load_centroids, save_centroids
from nca_assets.vocabulary.learn import fit_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.history import Event, append_history
from nca_assets.warehouse.read import connect

QUERIES = re.findall(r"```sql\n(.+?)```", (Path(__file__).parent.parent / "docs" / "SQL.md").read_text(), re.DOTALL)
ROWS = 1024
PARTS = 4883

MEANINGS = {
    "rows": "labelled rollouts in the warehouse",
    "rebuild_s": "time to rebuild and publish all tables",
    "query_median_ms": "median time of the queries in docs/SQL.md",
    "query_slowest_ms": "time of the slowest of them",
    "warehouse_gb": "size of the published file",
    "pandas_ratio": "time of five questions to pandas, reading one set's CSV included, over that of the warehouse",
    "polars_ratio": "the same for polars, which reads only the columns it needs",
}

QUESTIONS = {
    "behavior": "SELECT behavior, count(*) FROM labels WHERE {one} GROUP BY behavior",
    "family": "SELECT family, avg(token_entropy), avg(damage) FROM labels WHERE {one} GROUP BY family",
    "periods": "SELECT period, count(*) FROM labels WHERE {one} AND behavior = 'radiating' GROUP BY period",
    "extremes": "SELECT rollout_id, compression_ratio FROM labels WHERE {one} ORDER BY compression_ratio LIMIT 10",
    "sizes": "SELECT height * width AS cells, avg(mean_change) FROM labels WHERE {one} GROUP BY cells",
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows; under 50 s on two cores")
    parts = PARTS // 10 if parser.parse_args().quick else PARTS
    with tempfile.TemporaryDirectory() as folder:
        data = DataFolder.create(Path(folder) / "data", Shape(shard_size=64, sets=card_sets(frames=500)))
        rows = fill(data, parts)
        rebuild = seconds(lambda: build_warehouse(data), repeats=1)
        times = ask(data)
        warehouse, pandas, polars = compare(data, Path(folder) / "labels.csv")
        size = data.warehouse_file().stat().st_size
    report(
        [
            Metric("warehouse", "rows", rows, "rows"),
            Metric("warehouse", "rebuild_s", rebuild, "s"),
            Metric("warehouse", "query_median_ms", 1000 * statistics.median(times), "ms"),
            Metric("warehouse", "query_slowest_ms", 1000 * max(times), "ms"),
            Metric("warehouse", "warehouse_gb", size / 1e9, "GB"),
            Metric("warehouse", "pandas_ratio", pandas / warehouse, "x"),
            Metric("warehouse", "polars_ratio", polars / warehouse, "x"),
        ],
        MEANINGS,
    )


def fill(data: DataFolder, parts: int) -> int:
    """A data folder with ``parts`` label parts, manifests and curve sums, and a history of two runs for each."""
    first = ShardKey("set1", 0)
    resources = load(Resources).model_copy(update={"device": "cpu"})
    save_centroids(fit_centroids(np.random.default_rng(0).normal(size=(4096, 16))), data, "learned")
    write_shard(first, load_centroids(data), data, resources)
    real = write_labels(first, data, resources)
    sums, lineage = read_table(data.curve_sums_file(first), data, "")
    manifest = json.loads(read_sealed(data.manifest_file(first), data.root, ""))
    keys = [ShardKey(name, n) for name in data.sets for n in range(-(-parts // len(data.sets)))][:parts]
    for key in tqdm(keys, desc="parts", disable=None):
        write_part(key, data, real.rows, lineage, sums, manifest)
    write_history(data, keys)
    return parts * ROWS


def write_part(
    key: ShardKey,
    data: DataFolder,
    real: pl.DataFrame,
    lineage: dict[str, str],
    sums: pl.DataFrame,
    manifest: dict[str, Any],
) -> None:
    """The files of shard ``key``: the ``real`` rows over and over, in an order and with digests of their own."""
    chance = np.random.default_rng([data.own_set(key.set).seed, key.number])
    index = np.arange(key.number * ROWS, (key.number + 1) * ROWS)
    digests = [chance.bytes(32).hex() for _ in index]
    rows = real[chance.integers(0, len(real), ROWS).tolist()].with_columns(
        rollout_id=pl.Series([f"{key.set}/{i:06d}" for i in index]),
        set_name=pl.lit(key.set),
        rollout_index=pl.Series(index),
        shard=pl.lit(key.number, pl.Int32),
        digest=pl.Series(digests),
        token_entropy=pl.col("token_entropy") + pl.Series(chance.normal(0, 1e-3, ROWS)),
    )
    whole, frames = shard_digest(digests), manifest["frames"]
    members = [{"index": int(i), "height": 8, "width": 8, "digest": d} for i, d in zip(index, digests, strict=True)]
    own = manifest | {"set": key.set, "shard": key.number, "members": members, "digest": whole}
    own["token_counts"] = [2 * frames * ROWS] * 32  # of 8 x 8 cells
    write_table(rows, data.labels_file(key), data, lineage | {"shard_digest": whole, "digest": digests[1]})
    write_table(sums, data.curve_sums_file(key), data, lineage)
    write_sealed(json.dumps(own, separators=(",", ":")).encode(), data.manifest_file(key), data.root)
    Path(str(data.tokens_file(key))).touch()


def write_history(data: DataFolder, keys: list[ShardKey]) -> None:
    """A materialization of each shard and each label part."""
    vocabulary = digest(load_centroids(data))
    version = {key: read_manifest(key, data).digest for key in keys}
    start = datetime(2026, 1, 1)
    append_history(
        [
            Event(
                2 * n + k, asset, str(key), start + timedelta(seconds=30 * n + k), f"run-{n // 10}", "1", version[key],
                {"centroids": vocabulary}, "cpu" if n % 3 else "cuda", 12.5, 3e7 if k == 0 else None,
            )
            for n, key in enumerate(keys)
            for k, asset in enumerate(("rollout_shards", "behavior_labels"))
        ],
        data,
    )  # fmt: skip


def ask(data: DataFolder) -> list[float]:
    """The time that each query of the guide takes, on a connection that is open."""
    with connect(data) as connection:
        return [seconds(lambda query=query: connection.execute(query).fetchmany(200)) for query in QUERIES]


def compare(data: DataFolder, csv: Path) -> tuple[float, float, float]:
    """Seconds for the five questions about one set: of the warehouse, of pandas and of polars over the set's CSV."""
    pl.read_parquet(f"{data}/labels/set=1/*.parquet", hive_partitioning=False).write_csv(csv)
    with connect(data) as connection:
        asked = [text.format(one="set_name = 'set1'") for text in QUESTIONS.values()]
        warehouse = seconds(lambda: [connection.execute(text).fetchall() for text in asked])
    return warehouse, seconds(lambda: ask_pandas(csv), repeats=1), seconds(lambda: ask_polars(csv), repeats=1)


def ask_pandas(csv: Path) -> list[Any]:
    """The questions, as one asks them of pandas."""
    labels = pd.read_csv(csv)
    radiating = labels[labels["behavior"] == "radiating"]
    return [
        labels["behavior"].value_counts(),
        labels.groupby("family")[["token_entropy", "damage"]].mean(),
        radiating.groupby("period").size(),
        labels.nsmallest(10, "compression_ratio")[["rollout_id", "compression_ratio"]],
        labels.assign(cells=labels["height"] * labels["width"]).groupby("cells")["mean_change"].mean(),
    ]


def ask_polars(csv: Path) -> list[pl.DataFrame]:
    """The questions, as one asks them of polars, in one scan."""
    labels = pl.scan_csv(csv)
    cells = (pl.col("height") * pl.col("width")).alias("cells")
    return pl.collect_all(
        [
            labels.group_by("behavior").len(),
            labels.group_by("family").agg(pl.mean("token_entropy", "damage")),
            labels.filter(pl.col("behavior") == "radiating").group_by("period").len(),
            labels.select("rollout_id", "compression_ratio").bottom_k(10, by="compression_ratio"),
            labels.group_by(cells).agg(pl.mean("mean_change")),
        ]
    )


if __name__ == "__main__":
    main()
