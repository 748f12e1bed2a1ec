"""Typed settings from the environment variables ``NCA_*``, which are read nowhere else.

Four owners: the dataset, the machine, queries, and the orchestration of runs.
"""

from __future__ import annotations

import os
import re
import threading
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, PlainSerializer, PlainValidator, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from nca_assets.errors import NcaError
from nca_assets.ids import OWN_NAME, ShardKey
from nca_assets.store import copies
from nca_assets.store.location import Stored, parse_location

PREFIX = "NCA_"

SETS = rf"^(all|none|{OWN_NAME}(,{OWN_NAME})*)$"
"""Sets as a list, or all or none of them."""

MIN_FRAMES = 129
"""Labels use the last 128 frames and the change into them."""


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)


class Place(_Settings):
    """Location of the dataset."""

    data: Annotated[Stored, PlainValidator(parse_location), PlainSerializer(str)] = Field(
        default=Path("data"), description="Folder that everything is written to, or s3://bucket/prefix."
    )


class DatasetSettings(Place):
    """Location of the dataset, and the shape of a new one; an existing one keeps its own."""

    shard_size: int = Field(default=64, ge=1, le=65536, description="Rollouts per shard of a new dataset.")
    frames: int = Field(default=500, ge=MIN_FRAMES, le=65536, description="Frames per rollout of a new dataset.")


class Resources(_Settings):
    """Limits on the use of the machine."""

    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N.")
    threads: int = Field(
        default=os.cpu_count() or 1, ge=1, le=1024, description="CPU threads for simulation and compression."
    )
    memory_mb: int = Field(default=1024, ge=16, description="MiB for tokens not yet written to disk.")
    cache_gb: float = Field(default=50, ge=0, description="GB of local copies of a bucket's objects.")


class Queries(_Settings):
    """Limits on a query of the warehouse."""

    sql_seconds: float = Field(default=600, gt=0, le=threading.TIMEOUT_MAX, description="Seconds a query may take.")
    sql_memory_gb: float = Field(default=8, ge=0.1, le=1e6, description="GB of memory a query may use.")
    sql_disk_gb: float = Field(default=20, gt=0, le=1e9, description="GB that a query's result in a file may have.")


class Orchestration(_Settings):
    """The number of partitions, and how runs make them."""

    shards_per_set: int = Field(default=30, ge=1, le=100_000, description="Shards (partitions) of each set.")
    shards_per_run: int = Field(default=16, ge=1, le=10_000, description="Partitions per run of a backfill.")
    shards_per_tick: int = Field(default=64, ge=1, le=100_000, description="Partitions per tick of top_up, at most.")
    keep_tokens: str = Field(
        default="all",
        pattern=SETS,
        description="Sets whose new shards keep their tokens: all, none, or some, like set1,set3.",
    )
    keep_curves: str = Field(
        default="all",
        pattern=SETS,
        description="Sets whose labels keep the curves of single rollouts: all, some or none.",
    )
    top_up_cron: str = Field(
        default="*/10 * * * *", pattern=r"^[0-9*/,-]+( [0-9*/,-]+){4}$", description="Schedule of top_up, as in cron."
    )
    ray: str = Field(
        default="",
        pattern=r"^(|auto|(ray://)?[\w.-]+:\d+)$",
        description="Ray cluster to make partitions on, like ray://head:10001; empty for this machine.",
    )
    ray_autoscales: bool = Field(default=False, description="Whether the Ray cluster adds nodes on demand.")
    shard_gpus: float | None = Field(
        default=None, ge=0, description="GPUs of the Ray cluster for simulating a shard; 1 if any node has one."
    )
    shard_cpus: int = Field(default=2, ge=1, description="CPUs, and threads, for simulating a shard there.")
    label_cpus: int = Field(default=2, ge=1, description="CPUs, and threads, for labeling a shard there.")

    def keeps_tokens(self, key: ShardKey) -> bool:
        """Whether shard ``key`` keeps its tokens if it is new. Imported ones always do."""
        return key.imported or _names(self.keep_tokens, key.set)

    def keeps_curves(self, key: ShardKey) -> bool:
        """Whether the labels of shard ``key`` keep their curves. Imported ones do unless none does."""
        return _names(self.keep_curves, key.set) or (key.imported and self.keep_curves != "none")


def _names(chosen: str, set_name: str) -> bool:
    return chosen == "all" or set_name in chosen.split(",")


OWNERS = (DatasetSettings, Resources, Queries, Orchestration)

KUBERNETES = rf"{PREFIX}\w*(SERVICE|PORT)(_\w+)?"
"""Variables that Kubernetes sets in pods for its services, whose names may have the same prefix."""

Kind = TypeVar("Kind", bound=_Settings)


def load(kind: type[Kind]) -> Kind:
    """The settings of one owner, from the environment.

    Raises ``NcaError`` naming the first variable that is invalid or unknown.
    """
    require_known_names()
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        field = kind.model_fields[name]
        raise NcaError(
            f"{PREFIX}{name.upper()}={first['input']!s}: {first['msg'].lower()}. {field.description} "
            f"Set it accordingly, or unset it for the default, {field.default}."
        ) from None


def require_known_names() -> None:
    """Raise ``NcaError`` if the environment has an unknown variable with the settings' prefix."""
    known = [f"{PREFIX}{name.upper()}" for kind in OWNERS for name in kind.model_fields]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and not re.fullmatch(KUBERNETES, name):
            alike = get_close_matches(name, known, n=1)
            hint = f"did you mean {alike[0]}?" if alike else f"the settings are {', '.join(known)}."
            raise NcaError(f"{name} is not a setting: {hint} Unset it or correct its name.")


copies.max_gb = lambda: load(Resources).cache_gb
