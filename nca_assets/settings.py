"""Typed settings, from environment variables ``NCA_*``; the one place that reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, PlainSerializer, PlainValidator, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from nca_assets.errors import NcaError
from nca_assets.naming import SETS, ShardKey
from nca_assets.store.location import Stored, parse_location
from nca_assets.store.store import require_writable as require_writable

FEWEST_FRAMES = 129
"""The labels look at the last 128 frames and the change into them."""


class Settings(BaseSettings):
    """What a person may choose; the README lists the variables."""

    model_config = SettingsConfigDict(env_prefix="NCA_", frozen=True)

    data: Annotated[Stored, PlainValidator(parse_location), PlainSerializer(str)] = Field(
        default=Path("data"), description="Folder that everything is written to, or s3://bucket/prefix."
    )
    shard_size: int = Field(default=64, ge=1, le=65536, description="Rollouts per shard.")
    shards_per_set: int = Field(default=30, ge=1, le=100_000, description="Shards (partitions) of each set.")
    shards_per_run: int = Field(default=16, ge=1, le=10_000, description="Partitions that one run of a backfill makes.")
    shards_per_tick: int = Field(default=64, ge=1, le=100_000, description="Partitions that a tick of top_up requests.")
    top_up_cron: str = Field(
        default="*/10 * * * *", pattern=r"^[0-9*/,-]+( [0-9*/,-]+){4}$", description="When top_up ticks, as in cron."
    )
    frames: int = Field(default=500, ge=FEWEST_FRAMES, le=65536, description="Frames per rollout.")
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N.")
    threads: int = Field(
        default=os.cpu_count() or 1, ge=1, le=1024, description="CPU threads that simulate and compress."
    )
    ray: str = Field(
        default="",
        pattern=r"^(|auto|(ray://)?[\w.-]+:\d+)$",
        description="Ray cluster that makes partitions, like ray://head:10001; empty for this process.",
    )
    shard_gpus: float = Field(default=0, ge=0, description="GPUs that simulating a shard takes of the Ray cluster.")
    shard_cpus: int = Field(default=2, ge=1, description="CPUs, and threads, that it takes there.")
    label_gpus: float = Field(default=0, ge=0, description="GPUs that labelling a shard takes of the Ray cluster.")
    label_cpus: int = Field(default=2, ge=1, description="CPUs, and threads, that it takes there.")
    memory_mb: int = Field(default=1024, ge=16, description="MiB that tokens on their way to disk may take.")

    def partition_keys(self) -> list[str]:
        """Every shard of every set, in order: set1-00000, …"""
        return [str(ShardKey(name, number)) for name in SETS for number in range(self.shards_per_set)]

    def shard_key(self, text: str) -> ShardKey:
        """The shard that ``text`` names. Raises ``NcaError`` if there is none of that name."""
        return ShardKey.parse(text, self.shards_per_set)

    def rollout_indices(self, key: ShardKey) -> range:
        """The indices, within their set, of a shard's rollouts."""
        return range(key.number * self.shard_size, (key.number + 1) * self.shard_size)


def load_settings() -> Settings:
    """The settings as the environment gives them. Raises ``NcaError`` naming the first variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        field = Settings.model_fields[name]
        raise NcaError(
            f"NCA_{name.upper()}={first['input']!s}: {first['msg'].lower()}. {field.description} "
            f"Set it accordingly, or unset it for the default, {field.default}."
        ) from None
