"""The rollouts and their labels: one shard and one label part a partition, made by one op, many partitions a run.

The op reports each partition as it finishes, so what is done stays done when a run fails or is killed.
"""

import time
from collections.abc import Iterator

import dagster as dg

from nca_assets.assets.data_state import report_data_state
from nca_assets.assets.rollout_specs import LABELS, SHARDS
from nca_assets.automation.partition_events import report_materialization, reported_by_this_run
from nca_assets.automation.partitions import shard_partitions
from nca_assets.automation.reporting import (
    behavior_shares,
    behavior_table,
    failures_in_one_line,
    inline_picture,
    progress_in_log,
)
from nca_assets.automation.shard_checks import LABEL_CHECKS, SHARD_CHECKS, evaluate_in_run
from nca_assets.errors import DiskFullError, NcaError, TransientError
from nca_assets.naming import ShardKey
from nca_assets.settings import Settings, load_settings, require_writable

SHEET_ROLLOUTS = 6
"""Rollouts on the contact sheet, kept few: every materialization stores its picture in Dagster's event log."""


@dg.multi_asset(
    specs=[SHARDS, LABELS],
    partitions_def=shard_partitions,
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.multi_run(load_settings().shards_per_run),
    pool="device",
)
def rollouts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Simulate and label the shards of this run's partitions, one after the other.

    A partition that can't be made fails the run, but does not keep others from being made, unless the disk is full.
    """
    from nca_assets.automaton.device import require_device
    from nca_assets.shards.space import require_space

    with failures_in_one_line(context):
        settings = load_settings()
        require_writable(settings.data)
        require_device(settings.device)
        keys = [settings.shard_key(partition) for partition in context.partition_keys]
        if SHARDS.key in context.selected_asset_keys:
            require_space(keys, settings)
        try:
            failures = _materialize_each(context, keys, settings)
        finally:
            report_data_state(context)
        if failures:
            raise _all_in_one(failures, len(keys))
    yield from ()  # each partition has been reported already


def _materialize_each(context: dg.AssetExecutionContext, keys: list[ShardKey], settings: Settings) -> list[NcaError]:
    done = {spec.key: reported_by_this_run(context, spec.key) for spec in (SHARDS, LABELS)}
    failures: list[NcaError] = []
    for number, key in enumerate(keys, start=1):
        name = f"{key} ({number} of {len(keys)})" if len(keys) > 1 else str(key)
        try:
            for spec, make, checks in ((SHARDS, _make_shard, SHARD_CHECKS), (LABELS, _label_shard, LABEL_CHECKS)):
                if spec.key in context.selected_asset_keys:
                    if str(key) not in done[spec.key]:
                        version, metadata = make(context, key, settings, name)
                        report_materialization(context, spec, str(key), version, metadata)
                    evaluate_in_run(context, spec.key, key, checks, settings)
        except DiskFullError:
            raise
        except NcaError as error:
            failures.append(error)
            context.log.error(f"{key}: {error}")
    return failures


def _all_in_one(failures: list[NcaError], partitions: int) -> NcaError:
    """The first failure, one that can be tried again if there is any such, and how many more there are."""
    first = next((failure for failure in failures if isinstance(failure, TransientError)), failures[0])
    others = f" (and {len(failures) - 1} more of {partitions} partitions; the log has each)" if failures[1:] else ""
    return type(first)(f"{first}{others}")


def _make_shard(
    context: dg.AssetExecutionContext, key: ShardKey, settings: Settings, name: str
) -> tuple[str, dict[str, object]]:
    from nca_assets.figures.contact_sheet import contact_sheet
    from nca_assets.shards.read import read_rollouts
    from nca_assets.shards.write import write_shard
    from nca_assets.vocabulary.centroids import load_centroids

    with progress_in_log(context, name, "rollouts") as progress:
        manifest = write_shard(key, load_centroids(settings.data), settings, progress)
    every = max(1, len(manifest.members) // SHEET_ROLLOUTS)
    shown = manifest.model_copy(update={"members": manifest.members[::every][:SHEET_ROLLOUTS]})
    sheet = contact_sheet(
        [tokens for _, tokens in read_rollouts(key, settings.data, shown)],
        frames=(settings.frames // 8, settings.frames - 1),
    )
    return manifest.digest, {
        "contact sheet": inline_picture(sheet),
        "dagster/partition_row_count": len(manifest.members),
        "tokens": manifest.tokens,
        "bytes": manifest.file_bytes,
        "bytes per token": manifest.file_bytes / manifest.tokens,
        "tokens per second": manifest.tokens / manifest.seconds,
        "seconds": manifest.seconds,
        "device": manifest.device,
        "digest": manifest.digest,
        "path": dg.MetadataValue.path(str(key.tokens_file(settings.data))),
    }


def _label_shard(
    context: dg.AssetExecutionContext, key: ShardKey, settings: Settings, name: str
) -> tuple[str, dict[str, object]]:
    from nca_assets.labels.write import write_labels

    started = time.perf_counter()
    with progress_in_log(context, f"{name} labels", "rollouts") as progress:
        part = write_labels(key, settings, progress)
    return part.digest, {
        "behaviors": behavior_table(part.rows["behavior"]),
        **behavior_shares(part.rows["behavior"]),
        "dagster/partition_row_count": len(part.rows),
        "bytes": part.file.stat().st_size,
        "seconds": time.perf_counter() - started,
        "digest": part.digest,
        "path": dg.MetadataValue.path(str(part.file)),
    }
