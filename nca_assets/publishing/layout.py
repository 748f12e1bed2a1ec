"""Layout of the published folder: its configs with their columns, and the files of each split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId, ShardKey, is_own
from nca_assets.labels.schema import LABEL_COLUMNS, Column, label_columns
from nca_assets.labels.table import read_table
from nca_assets.loading.streams import LONG_HORIZON
from nca_assets.remedies import relabel
from nca_assets.shards.manifest import read_manifest
from nca_assets.shards.recipes import require_current_inputs
from nca_assets.versions import LABEL_VERSION
from nca_assets.vocabulary.centroids import load_centroids
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.collections import Collection
from nca_assets.warehouse.sql_text import OWN_SETS

CHECKSUMS = "SHA256SUMS"
README = "README.md"
CROISSANT = "croissant.json"
FIGURES_FOLDER = "figures"

PREVIEW_LABELS = (
    "rollout_id", "behavior", "period", "height", "width", "frames", "mean_change", "change_48_112", "token_entropy",
    "conditional_entropy", "compression_ratio", "damage",
)  # fmt: skip

IMAGE, BYTES = "IMAGE", "BLOB"
"""Column types in addition to the labels' DuckDB types."""

PREVIEW_COLUMNS = (
    *label_columns(*PREVIEW_LABELS[:6]),
    *(Column(f"frame_{frame}", IMAGE, f"The grid at frame {frame}, one color a token") for frame in LONG_HORIZON),
    Column("frame_last", IMAGE, "The grid at the last frame"),
    *label_columns(*PREVIEW_LABELS[6:]),
)

TOKEN_LABELS = ("rollout_id", "behavior", "frames", "height", "width", "digest")

TOKEN_COLUMNS = (
    *label_columns(*TOKEN_LABELS),
    Column("tokens", BYTES, "The rollout's tokens: uint8 (frames, height, width) in Fortran order, time fastest"),
)


@dataclass(frozen=True)
class Config:
    """A config of the dataset: a description of its rows, its columns, and its file pattern; splits are sets, all or
    ``only`` some."""

    name: str
    description: str
    columns: tuple[Column, ...]
    pattern: str
    only: tuple[str, ...] = ()

    def splits(self, sets: Iterable[str]) -> list[str]:
        """Those of the dataset's ``sets`` that it has files of."""
        return [name for name in sets if not self.only or name in self.only]

    def files(self, split: str) -> str:
        """The file name pattern of a split."""
        return self.pattern.format(set=split)


PREVIEW = Config("preview", "some rollouts of each set, as pictures", PREVIEW_COLUMNS, "preview/{set}.parquet")
LABELS = Config("labels", "class and metrics of every rollout", LABEL_COLUMNS, "labels/{set}.parquet")
TOKEN_FILES = Config("tokens", "the tokens of every rollout, to stream", TOKEN_COLUMNS, "tokens/{set}-*.parquet")

CONFIGS = (PREVIEW, LABELS, TOKEN_FILES)


def collection_config(collection: Collection) -> Config:
    """The config of a collection: its rollouts with their tokens. Raises ``NcaError`` if any is imported, or if the
    name is another config's."""
    sets = sorted({RolloutId.parse(rollout).set for rollout in collection.rollouts})
    name, version = collection.name, collection.version
    if foreign := [each for each in sets if not is_own(each)]:
        raise NcaError(f"collection {name} has imported rollouts (of {foreign[0]}): publish one of native rollouts")
    if name in [config.name for config in CONFIGS]:
        raise NcaError(f"the collection {name} has the name of another config: collect it under a name of its own")
    described = f"the collection {name}, version {version}, with tokens: {collection.sampling}"
    return Config(name, described, TOKEN_COLUMNS, f"collections/{name}/{{set}}.parquet", tuple(sets))


def token_file(key: ShardKey) -> str:
    """The file name of a shard's tokens."""
    return f"tokens/{key}.parquet"


def published_shards(data: DataFolder) -> dict[str, dict[ShardKey, str]]:
    """The native shards in the warehouse, by set, with their digests; the card describes these.

    Raises ``NcaError`` if there are none, if shards or labels are missing or have changed, or if their vocabulary or
    version differs from the card's.
    """
    query = f"""
        SELECT partition_key, set_name, shard, digest, shard_digest, label_version FROM label_parts
        WHERE {OWN_SETS} ORDER BY set_name, shard
    """  # noqa: S608
    centroids = load_centroids(data)
    shards: dict[str, dict[ShardKey, str]] = {}
    for name, rollout_set, number, digest, shard_digest, version in whole_table(query, data).iter_rows():
        key = ShardKey(rollout_set, number)
        manifest = read_manifest(key, data)
        if manifest.tokens_kept and not data.tokens_file(key).exists():
            raise NcaError(f"{data.tokens_file(key)} is missing: materialize partition {key} of rollout_shards again")
        if manifest.digest != shard_digest:
            raise NcaError(f"shard {name} has changed since it was labeled: materialize its behavior_labels again")
        require_current_inputs(key, manifest, centroids)
        if version != LABEL_VERSION:
            raise NcaError(
                f"labels of {name} have version {version}, not {LABEL_VERSION}: materialize its behavior_labels, then "
                "the 'analytics' assets again"
            )
        if read_table(data.labels_file(key), data, relabel(key), columns=["rollout_index"])[1]["digest"] != digest:
            raise NcaError(f"labels of {name} differ from the warehouse: materialize the 'analytics' assets again")
        shards.setdefault(rollout_set, {})[key] = shard_digest
    if not shards:
        raise NcaError(f"no labeled shards to publish in {data}: materialize rollout_shards and behavior_labels")
    return shards


def warehouse_version(data: DataFolder) -> str:
    """The version of the warehouse's content."""
    return whole_table("SELECT version FROM snapshot", data).item()
