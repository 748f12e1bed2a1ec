"""Asset checks: what must hold of the assets' content, read back from disk.

Not here: checks within a computation (those raise in the science).
"""

import warnings

import dagster as dg

from nca_assets.assets.analytics import TABLE_KEYS
from nca_assets.assets.rollout_specs import LABELS, SHARDS
from nca_assets.automation.partitions import shard_partitions
from nca_assets.automation.reporting import failures_in_one_line
from nca_assets.automation.shard_checks import LABEL_CHECKS, SHARD_CHECKS, Check, evaluate
from nca_assets.settings import load_settings

# Checks by partition are in preview; without them one shard's failure would be the whole asset's.
warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning)


def _partition_check(asset: dg.AssetSpec, name: str, check: Check) -> dg.AssetChecksDefinition:
    """``check`` as one that can be run alone; the run that materializes a partition evaluates it by itself."""

    @dg.asset_check(
        asset=asset.key, name=name, description=check.__doc__, blocking=True, partitions_def=shard_partitions
    )
    def alone(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        found = evaluate(check, load_settings().shard_key(context.partition_key))
        return dg.AssetCheckResult(passed=found.passed, description=found.description, metadata=dict(found.metadata))

    return alone


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


checks = [
    *(_partition_check(SHARDS, name, check) for name, check in SHARD_CHECKS.items()),
    *(_partition_check(LABELS, name, check) for name, check in LABEL_CHECKS.items()),
    counts_match,
]
