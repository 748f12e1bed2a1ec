"""Simulating a shard's rollouts into an ``.npz`` file, one member a rollout, and its manifest.

Of a shard whose tokens are not kept, there is a manifest alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton.device import device_name
from nca_assets.automaton.engine import choose_machine, simulate_each, simulate_with_replicas
from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.recipe import Rule
from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Resources
from nca_assets.shards.findings import clear_finding
from nca_assets.shards.manifest import Manifest, Member, shard_digest, write_manifest
from nca_assets.shards.members import PackedRollout, describe, pack, write_members
from nca_assets.store.refusals import refusals_of_the_disk
from nca_assets.store.store import whole_file
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.centroids import digest

Tokens = NDArray[np.uint8]
"""A rollout's, or a replica's: (frames, height, width)."""

Result = TypeVar("Result")
Described = tuple[Member, NDArray[np.int64]]
"""A member, and its token counts."""


def write_shard(
    key: ShardKey,
    centroids: Tensor,
    data: DataFolder,
    resources: Resources,
    progress: Progress = unwatched,
    *,
    keep: bool = True,
) -> Manifest:
    """Simulate the rollouts of shard ``key`` and write them, if they are to be kept, and their manifest into ``data``.

    ``progress`` is called with the rollouts done and the total. Raises ``NcaError`` if a file can't be written; no
    partial file keeps a final name.
    """
    making = Making(key, centroids, data, resources, progress)
    if not keep:
        for _ in making.members_alone():
            pass
        return making.finish()
    with whole_file(data.tokens_file(key)) as file:
        file_bytes = write_members(making.packed(), file)
    return making.finish(file_bytes)


class Making:
    """A native shard in the making: its rollouts, once, and then its manifest."""

    def __init__(
        self, key: ShardKey, centroids: Tensor, data: DataFolder, resources: Resources, progress: Progress = unwatched
    ) -> None:
        self.key, self.centroids, self.data, self.progress = key, centroids, data, progress
        self.machine, self.started = choose_machine(resources), time.perf_counter()
        self.members: list[Member] = []
        self.token_counts = np.zeros(TOKENS, dtype=np.int64)

    def members_alone(self) -> Iterator[Member]:
        """The member of each rollout."""
        for member, counts in self._simulated(describe):
            self._add(member, counts)
            yield member

    def with_replicas(
        self, frames: int, flip: Callable[[Rule], Flip], work: Callable[[Rule, Tokens, Tokens], Result]
    ) -> Iterator[tuple[Member, Result]]:
        """The member of each rollout, and ``work(rule, tokens, replica)``, with the first ``frames`` of its replica."""

        def describe_and_work(rule: Rule, tokens: Tokens, replica: Tokens) -> tuple[Described, Result]:
            return describe(rule.scalars.index, tokens), work(rule, tokens, replica)

        simulated = simulate_with_replicas(
            self._rules(), self.centroids, self._frames, frames, flip, self.machine, describe_and_work
        )
        for (member, counts), result in simulated:
            self._add(member, counts)
            yield member, result

    def packed(self) -> Iterator[PackedRollout]:
        """Each rollout, packed."""
        for rollout in self._simulated(pack):
            yield rollout
            self._add(rollout.member, rollout.token_counts)

    def finish(self, file_bytes: int | None = None) -> Manifest:
        """Write the manifest; without the bytes of a file, of a shard whose tokens are not kept.

        A file of older tokens is removed first: one beside such a manifest may always be taken for its tokens.
        """
        if file_bytes is None:
            with refusals_of_the_disk(self.data.tokens_file(self.key)):
                self.data.tokens_file(self.key).unlink(missing_ok=True)
        manifest = Manifest(
            set=self.key.set,
            shard=self.key.number,
            recipe_version=RECIPE_VERSION,
            centroids_digest=digest(self.centroids),
            tokens_kept=file_bytes is not None,
            digest=shard_digest(member.digest for member in self.members),
            token_counts=self.token_counts.tolist(),
            file_bytes=file_bytes or 0,
            device=device_name(self.machine.device),
            seconds=time.perf_counter() - self.started,
            members=self.members,
        )
        write_manifest(manifest, self.key, self.data)
        clear_finding(self.data.finding_file(self.key))
        return manifest

    def _simulated(self, work: Callable[[int, Tokens], Result]) -> Iterator[Result]:
        """``work(index, tokens)`` for each rollout."""
        return simulate_each(
            self._rules(), self.centroids, self._frames, self.machine,
            lambda rule, tokens: work(rule.scalars.index, tokens),
        )  # fmt: skip

    def _rules(self) -> Iterator[Rule]:
        return (self.data.rule(self.key.set, index) for index in self.data.rollout_indices(self.key))

    @property
    def _frames(self) -> int:
        return self.data.own_set(self.key.set).frames

    def _add(self, member: Member, counts: NDArray[np.int64]) -> None:
        self.members.append(member)
        self.token_counts += counts
        self.progress(len(self.members), len(self.data.rollout_indices(self.key)))
