"""Checks of a shard and of its labels, read back from disk; evaluated with the stage that makes them, or alone.

Not here: the checks of the whole warehouse (``orchestration/assets/checks``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nca_assets.errors import NcaError, TransientError
from nca_assets.ids import ShardKey
from nca_assets.project import Project

ROLLOUTS_SIMULATED_AGAIN = 3
"""Per materialization: about 50 ms on a CPU, with different grid shapes in all but the smallest shards."""


@dataclass(frozen=True)
class Verdict:
    """Result of a check."""

    passed: bool
    description: str | None = None
    metadata: Mapping[str, int] = field(default_factory=dict)


Check = Callable[[ShardKey, Project], Verdict]


def tokens_in_range(key: ShardKey, project: Project) -> Verdict:
    """Read back from disk, every rollout has the manifest's shape and digest, and all tokens are below 32.

    If the tokens are not kept, ``shard_reproduces`` alone can tell.
    """
    from nca_assets.shards.manifest import read_manifest
    from nca_assets.shards.read import read_rollouts

    data = project.data
    manifest = read_manifest(key, data)
    if not manifest.tokens_kept:
        return Verdict(True, "its tokens are not kept", {"rollouts": 0})
    largest = max(int(tokens.max()) for _, tokens in read_rollouts(key, data, manifest))
    return Verdict(True, metadata={"rollouts": len(manifest.members), "largest token": largest})


def shard_reproduces(key: ShardKey, project: Project) -> Verdict:
    """A few rollouts simulated again on the CPU, whichever device made the shard, match the manifest's digests."""
    from nca_assets.shards.verify import reproduce

    cpu = project.resources.model_copy(update={"device": "cpu"})
    again = reproduce(key, project.data, cpu, ROLLOUTS_SIMULATED_AGAIN)
    return Verdict(True, metadata={"rollouts simulated again": again})


def rollouts_differ(key: ShardKey, project: Project) -> Verdict:
    """No two rollouts of the shard are identical."""
    from nca_assets.shards.manifest import read_manifest

    digests = [member.digest for member in read_manifest(key, project.data).members]
    copies = len(digests) - len(set(digests))
    return Verdict(copies == 0, f"{copies} rollouts of {key} are copies of others" if copies else None)


def labels_complete(key: ShardKey, project: Project) -> Verdict:
    """The labels have exactly one row per rollout of the shard, with the same digest."""
    from nca_assets.labels.table import read_table
    from nca_assets.remedies import relabel
    from nca_assets.shards.manifest import read_manifest

    data = project.data
    rows = read_table(data.labels_file(key), data, relabel(key), columns=["rollout_index", "digest"])[0].rows()
    expected = [(member.index, member.digest) for member in read_manifest(key, data).members]
    wrong = len(set(expected) ^ set(rows))
    description = f"{wrong} rollouts of {key} differ between the shard and its labels" if wrong else None
    return Verdict(rows == expected, description, {"rollouts": len(rows)})


SHARD_CHECKS: dict[str, Check] = {
    "tokens_in_range": tokens_in_range,
    "shard_reproduces": shard_reproduces,
    "rollouts_differ": rollouts_differ,
}
LABEL_CHECKS: dict[str, Check] = {"labels_complete": labels_complete}


def evaluate(check: Check, key: ShardKey, project: Project) -> Verdict:
    """Evaluate ``check`` on shard ``key``; an ``NcaError`` counts as a failed check.

    Raises ``TransientError``, which says nothing about the shard.
    """
    try:
        return check(key, project)
    except TransientError:
        raise
    except NcaError as error:
        return Verdict(False, str(error))
