"""Typed settings, from environment variables ``NCA_*``; the one place that reads them.

Three owners: the dataset, the machine that computes, and the orchestration of runs.
"""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, PlainSerializer, PlainValidator, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from nca_assets.errors import NcaError
from nca_assets.store import copies
from nca_assets.store.location import Stored, parse_location

PREFIX = "NCA_"

MIN_FRAMES = 129
"""The labels look at the last 128 frames and the change into them."""


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)


class Place(_Settings):
    """Where the dataset lies."""

    data: Annotated[Stored, PlainValidator(parse_location), PlainSerializer(str)] = Field(
        default=Path("data"), description="Folder that everything is written to, or s3://bucket/prefix."
    )


class DatasetSettings(Place):
    """Where the dataset lies, and the shape of a new one; one that is there has its own."""

    shard_size: int = Field(default=64, ge=1, le=65536, description="Rollouts per shard of a new dataset.")
    frames: int = Field(default=500, ge=MIN_FRAMES, le=65536, description="Frames per rollout of a new dataset.")


class Resources(_Settings):
    """What computing may take of the machine."""

    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N.")
    threads: int = Field(
        default=os.cpu_count() or 1, ge=1, le=1024, description="CPU threads that simulate and compress."
    )
    memory_mb: int = Field(default=1024, ge=16, description="MiB that tokens on their way to disk may take.")
    cache_gb: float = Field(default=50, ge=0, description="GB of local copies of a bucket's objects that are kept.")


class Orchestration(_Settings):
    """How many partitions there are, and how runs make them."""

    shards_per_set: int = Field(default=30, ge=1, le=100_000, description="Shards (partitions) of each set.")
    shards_per_run: int = Field(default=16, ge=1, le=10_000, description="Partitions that one run of a backfill makes.")
    shards_per_tick: int = Field(default=64, ge=1, le=100_000, description="Partitions that a tick of top_up requests.")
    top_up_cron: str = Field(
        default="*/10 * * * *", pattern=r"^[0-9*/,-]+( [0-9*/,-]+){4}$", description="When top_up ticks, as in cron."
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


OWNERS = (DatasetSettings, Resources, Orchestration)

KUBERNETES = rf"{PREFIX}\w*(SERVICE|PORT)(_\w+)?"
"""Variables that Kubernetes sets in pods for each of its services, whose names may begin like ours."""

Kind = TypeVar("Kind", bound=_Settings)


def load(kind: type[Kind]) -> Kind:
    """The settings of one owner as the environment gives them.

    Raises ``NcaError`` that names the first variable that is wrong, or is none of ours.
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
    """Raise ``NcaError`` if the environment has a variable that looks like a setting and is none."""
    known = [f"{PREFIX}{name.upper()}" for kind in OWNERS for name in kind.model_fields]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and not re.fullmatch(KUBERNETES, name):
            alike = get_close_matches(name, known, n=1)
            hint = f"did you mean {alike[0]}?" if alike else f"the settings are {', '.join(known)}."
            raise NcaError(f"{name} is no setting: {hint} Unset it or correct its name.")


copies.max_gb = lambda: load(Resources).cache_gb
