"""Simulating a shard's rollouts into an ``.npz`` file, one member a rollout, and its manifest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import numpy as np
from torch import Tensor

from nca_assets.automaton.device import device_name
from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.errors import DamageError, NcaError
from nca_assets.files import whole_file
from nca_assets.naming import SETS, ShardKey, some_materialized_shards
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Settings
from nca_assets.shards.findings import forget
from nca_assets.shards.manifest import Manifest, Member, read_manifest, shard_digest, write_manifest
from nca_assets.shards.members import PackedRollout, pack, write_members
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.centroids import digest


def write_shard(key: ShardKey, centroids: Tensor, settings: Settings, progress: Progress = unwatched) -> Manifest:
    """Simulate the rollouts of shard ``key`` and write them and their manifest under ``settings.data``.

    ``progress`` is called with the rollouts done and their number. Raises ``NcaError`` if the folder holds shards of
    another size or length, or if a file can't be written; no partial file keeps a final name.
    """
    require_same_layout(settings, key)
    started = time.perf_counter()
    machine = choose_machine(settings)
    indices = settings.rollout_indices(key)
    rules = (draw_rule(Population(SETS[key.set].seed), index) for index in indices)
    packed = simulate_each(
        rules, centroids, settings.frames, machine, lambda rule, tokens: pack(rule.scalars.index, tokens)
    )
    members: list[Member] = []
    token_counts = np.zeros(TOKENS, dtype=np.int64)

    def tallied(rollouts: Iterable[PackedRollout]) -> Iterator[PackedRollout]:
        for rollout in rollouts:
            yield rollout
            members.append(rollout.member)
            token_counts[:] += rollout.token_counts
            progress(len(members), len(indices))

    with whole_file(key.tokens_file(settings.data)) as file:
        file_bytes = write_members(tallied(packed), file)
    manifest = Manifest(
        set=key.set,
        shard=key.number,
        frames=settings.frames,
        recipe_version=RECIPE_VERSION,
        centroids_digest=digest(centroids),
        digest=shard_digest(member.digest for member in members),
        token_counts=token_counts.tolist(),
        file_bytes=file_bytes,
        device=device_name(machine.device),
        seconds=time.perf_counter() - started,
        members=members,
    )
    write_manifest(manifest, key, settings.data)
    forget(key.finding_file(settings.data))
    return manifest


def require_same_layout(settings: Settings, key: ShardKey) -> None:
    """Raise ``NcaError`` if a shard other than ``key`` is there with another size or length than ``settings`` says."""
    for other in some_materialized_shards(settings.data):
        if other == key:
            continue
        try:
            manifest = read_manifest(other, settings.data)
        except DamageError:
            continue  # it says nothing of the layout, and is asked for again elsewhere
        for name, there, asked in (
            ("SHARD_SIZE", len(manifest.members), settings.shard_size),
            ("FRAMES", manifest.frames, settings.frames),
        ):
            if there != asked:
                raise NcaError(
                    f"NCA_{name}={asked}, but {other.tokens_file(settings.data)} was made with {there}: "
                    f"set NCA_{name}={there}, or another folder with NCA_DATA"
                )
        return  # one is enough: what is listed at each shard must not grow with their number
