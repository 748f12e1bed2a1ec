"""Simulating a shard's rollouts into an ``.npz`` file, one member a rollout, and its manifest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import numpy as np
from torch import Tensor

from nca_assets.automaton.device import device_name
from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Resources
from nca_assets.shards.findings import clear_finding
from nca_assets.shards.manifest import Manifest, Member, shard_digest, write_manifest
from nca_assets.shards.members import PackedRollout, pack, write_members
from nca_assets.store.store import whole_file
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.centroids import digest


def write_shard(
    key: ShardKey, centroids: Tensor, data: DataFolder, resources: Resources, progress: Progress = unwatched
) -> Manifest:
    """Simulate the rollouts of shard ``key`` and write them and their manifest into ``data``.

    ``progress`` is called with the rollouts done and the total. Raises ``NcaError`` if a file can't be written; no
    partial file keeps a final name.
    """
    started = time.perf_counter()
    machine = choose_machine(resources)
    indices = data.rollout_indices(key)
    rollout_set = data.own_set(key.set)
    rules = (data.rule(key.set, index) for index in indices)
    packed = simulate_each(
        rules, centroids, rollout_set.frames, machine, lambda rule, tokens: pack(rule.scalars.index, tokens)
    )
    members: list[Member] = []
    token_counts = np.zeros(TOKENS, dtype=np.int64)

    def tallied(rollouts: Iterable[PackedRollout]) -> Iterator[PackedRollout]:
        for rollout in rollouts:
            yield rollout
            members.append(rollout.member)
            token_counts[:] += rollout.token_counts
            progress(len(members), len(indices))

    with whole_file(data.tokens_file(key)) as file:
        file_bytes = write_members(tallied(packed), file)
    manifest = Manifest(
        set=key.set,
        shard=key.number,
        recipe_version=RECIPE_VERSION,
        centroids_digest=digest(centroids),
        digest=shard_digest(member.digest for member in members),
        token_counts=token_counts.tolist(),
        file_bytes=file_bytes,
        device=device_name(machine.device),
        seconds=time.perf_counter() - started,
        members=members,
    )
    write_manifest(manifest, key, data)
    clear_finding(data.finding_file(key))
    return manifest
