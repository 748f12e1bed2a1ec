"""The rollouts: one ``.npz`` shard a partition, in the card's folders."""

import dagster as dg

from nca_assets.assets.centroids import centroids
from nca_assets.automation.partitions import shard_partitions
from nca_assets.automation.reporting import failures_in_one_line, inline_picture, progress_in_log
from nca_assets.settings import load_settings, require_writable
from nca_assets.versions import RECIPE_VERSION

SHEET_ROLLOUTS = 6
"""Rollouts on the contact sheet, kept few: every materialization stores its picture in Dagster's event log."""


@dg.asset(
    deps=[centroids],
    partitions_def=shard_partitions,
    group_name="rollouts",
    kinds={"torch", "numpy"},
    code_version=f"recipe {RECIPE_VERSION}",
    pool="device",
)
def rollout_shards(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Random-NCA rollouts as token shards: one `.npz` a partition, one member a rollout, (frames, height, width) uint8.

    Simulated on the GPU when there is one, else on the CPU: the same bytes. The data version is the digest of the
    tokens, so materializing an unchanged partition again leaves everything downstream fresh.
    """
    from nca_assets.figures.contact_sheet import contact_sheet
    from nca_assets.shards.read import read_rollouts
    from nca_assets.shards.write import write_shard
    from nca_assets.vocabulary.centroids import load_centroids

    with failures_in_one_line(), progress_in_log(context, context.partition_key, "rollouts") as progress:
        settings = load_settings()
        require_writable(settings.data)
        key = settings.shard_key(context.partition_key)
        manifest = write_shard(key, load_centroids(settings.data), settings, progress)
        every = max(1, len(manifest.members) // SHEET_ROLLOUTS)
        shown = manifest.model_copy(update={"members": manifest.members[::every][:SHEET_ROLLOUTS]})
        sheet = contact_sheet(
            [tokens for _, tokens in read_rollouts(key, settings.data, shown)],
            frames=(settings.frames // 8, settings.frames - 1),
        )
    return dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.digest),
        metadata={
            "contact sheet": inline_picture(sheet),
            "dagster/partition_row_count": len(manifest.members),
            "tokens": manifest.tokens,
            "bytes": manifest.file_bytes,
            "bytes per token": manifest.file_bytes / manifest.tokens,
            "tokens per second": manifest.tokens / manifest.seconds,
            "seconds": manifest.seconds,
            "device": manifest.device,
            "digest": manifest.digest,
            "path": dg.MetadataValue.path(key.tokens_file(settings.data)),
        },
    )
