"""Asset checks: what must hold of the assets' content, read back from disk.

Not here: checks within a computation (those raise in the science).
"""

import warnings

import dagster as dg

from nca_assets.assets.analytics import TABLE_KEYS
from nca_assets.assets.rollout_shards import rollout_shards
from nca_assets.automation.partitions import shard_partitions
from nca_assets.automation.reporting import failures_in_one_line
from nca_assets.settings import load_settings

# Checks by partition are in preview; without them one shard's failure would be the whole asset's.
warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning)

ROLLOUTS_SIMULATED_AGAIN = 3
"""Of each materialization: some 50 ms on a CPU, of other shapes in all but the smallest shards."""


@dg.asset_check(asset=rollout_shards, blocking=True, partitions_def=shard_partitions)
def tokens_in_range(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Read back, every rollout of the shard has its shape, tokens below 32 and the digest in the manifest."""
    from nca_assets.errors import NcaError
    from nca_assets.shards.manifest import read_manifest
    from nca_assets.shards.read import read_rollouts

    settings = load_settings()
    key = settings.shard_key(context.partition_key)
    try:
        manifest = read_manifest(key, settings.data)
        largest = max(int(tokens.max()) for _, tokens in read_rollouts(key, settings.data, manifest))
    except NcaError as error:
        return dg.AssetCheckResult(passed=False, description=str(error))
    return dg.AssetCheckResult(passed=True, metadata={"rollouts": len(manifest.members), "largest token": largest})


@dg.asset_check(asset=rollout_shards, blocking=True, partitions_def=shard_partitions)
def shard_reproduces(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Simulated again on the CPU, whatever made the shard, a few rollouts have the digests in the manifest."""
    from nca_assets.automaton.engine import choose_machine
    from nca_assets.errors import NcaError
    from nca_assets.shards.verify import reproduce

    settings = load_settings()
    cpu = choose_machine(settings.model_copy(update={"device": "cpu"}))
    try:
        checked = reproduce(settings.shard_key(context.partition_key), settings, cpu, ROLLOUTS_SIMULATED_AGAIN)
    except NcaError as error:
        return dg.AssetCheckResult(passed=False, description=str(error))
    return dg.AssetCheckResult(passed=True, metadata={"rollouts simulated again": checked})


@dg.asset_check(asset=TABLE_KEYS["labels"])
def counts_match() -> dg.AssetCheckResult:
    """Shard by shard, manifests, label parts and the warehouse hold the same number of rollouts."""
    from nca_assets.warehouse.counts import count_rollouts

    with failures_in_one_line():
        counts = count_rollouts(load_settings().data)
    wrong = [str(shard) for shard in counts if not shard.agree]
    return dg.AssetCheckResult(
        passed=not wrong,
        description="; ".join(wrong[:5]) or None,
        metadata={"shards": len(counts), "rollouts": sum(shard.in_warehouse for shard in counts)},
    )


checks = [tokens_in_range, shard_reproduces, counts_match]
