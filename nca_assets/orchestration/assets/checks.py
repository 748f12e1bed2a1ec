"""Checks of whole assets, read back from disk. Not here: checks of a partition, which are evaluated as it is made."""

import dagster as dg

from nca_assets.orchestration.assets.analytics import TABLE_KEYS
from nca_assets.orchestration.reporting import failures_in_one_line
from nca_assets.project import Project

MIN_ROLLOUTS = 2000
"""Smaller samples scatter too widely to be compared with the card's figures."""


@dg.asset_check(asset=TABLE_KEYS["labels"], blocking=True)
def counts_match() -> dg.AssetCheckResult:
    """For each labeled shard, the manifest, the label part and the warehouse have the same number of rollouts."""
    from nca_assets.warehouse.counts import count_rollouts

    with failures_in_one_line():
        counts = count_rollouts(Project.load().data)
    wrong = [str(shard) for shard in counts if not shard.agree]
    return dg.AssetCheckResult(
        passed=not wrong,
        description=_first_of(wrong),
        metadata={
            "shards": len(counts),
            "shards without labels": sum(shard.unlabelled for shard in counts),
            "rollouts": sum(shard.in_warehouse for shard in counts),
        },
    )


@dg.asset_check(asset=TABLE_KEYS["labels"])
def shares_as_usual() -> dg.AssetCheckResult:
    """Each shard's class mix is close to that of the rest of its set."""
    from nca_assets.warehouse.outliers import find_outliers

    with failures_in_one_line():
        outliers = [str(outlier) for outlier in find_outliers(Project.load().data)]
    return dg.AssetCheckResult(
        passed=not outliers,
        severity=dg.AssetCheckSeverity.WARN,
        description=_first_of(outliers),
        metadata={"outliers": len(outliers)},
    )


@dg.asset_check(asset=TABLE_KEYS["card_comparison"])
def card_targets_met() -> dg.AssetCheckResult:
    """The dataset's statistics meet their targets, once there are enough rollouts to judge."""
    from nca_assets.warehouse.outliers import missed_targets

    with failures_in_one_line():
        missed = missed_targets(Project.load().data, MIN_ROLLOUTS)
    return dg.AssetCheckResult(
        passed=not missed,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"too few rollouts to judge: at least {MIN_ROLLOUTS:,} are needed"
        if missed is None
        else _first_of(missed),
        metadata={} if missed is None else {"missed": len(missed)},
    )


@dg.asset_check(asset=dg.AssetKey("long_horizon_baselines"))
def nothing_below_the_floor() -> dg.AssetCheckResult:
    """On no board is a model's mean cross-entropy below the lower end of the floor's interval.

    The floor knows each rollout's rule and hidden state, so such a model must have seen the targets.
    """
    from nca_assets.tasks.boards import below_the_floor
    from nca_assets.tasks.leaderboard import read_boards

    with failures_in_one_line():
        ranked = read_boards(Project.load().data)
    below = below_the_floor(ranked)
    boards = ranked.select("board", "value", "horizon").n_unique()
    return dg.AssetCheckResult(
        passed=not below,
        description=_first_of(below),
        metadata={"boards": boards, "models": ranked["model"].n_unique()},
    )


@dg.asset_check(asset=dg.AssetKey("published_dataset"))
def published_is_whole() -> dg.AssetCheckResult:
    """Every file of the published folder matches its listed checksum, and no file is unlisted."""
    from nca_assets.publishing.checksums import check_published
    from nca_assets.store.store import current

    findings = check_published(current(Project.load().data.published_folder))
    return dg.AssetCheckResult(passed=not findings, description=_first_of(findings))


def _first_of(findings: list[str]) -> str | None:
    return "; ".join(findings[:5]) or None


checks = [
    counts_match,
    shares_as_usual,
    card_targets_met,
    nothing_below_the_floor,
    published_is_whole,
]
