"""Making the partitions of a run, each stage reported as it finishes, so that it stays when the run is killed."""

import warnings
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

import dagster as dg

from nca_assets.errors import DiskFullError, NcaError, TransientError
from nca_assets.ids import ShardKey
from nca_assets.orchestration.assets.data_state import report_change, report_data_state
from nca_assets.orchestration.instance.database import retry_while_down
from nca_assets.orchestration.partitions.events import Reporter, reported_by_this_run
from nca_assets.orchestration.partitions.in_flight import PARTITION, RANGE_START, named_partitions
from nca_assets.orchestration.reporting import progress_in_log
from nca_assets.project import Project
from nca_assets.workers.checks import Verdict
from nca_assets.workers.choose import make_all
from nca_assets.workers.stages import Job, Made, Outcome, Stage, in_one_pass

# Checks by partition are in preview; without them one shard's failure would be the whole asset's.
warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning)


def check_specs(stages: Sequence[Stage], partitions: dg.PartitionsDefinition) -> list[dg.AssetCheckSpec]:
    """The checks of each stage, which the op that makes it evaluates."""
    return [
        dg.AssetCheckSpec(name, asset=stage.name, description=check.__doc__, blocking=True, partitions_def=partitions)
        for stage in stages
        for name, check in stage.checks.items()
    ]


def partitions_of(context: dg.AssetExecutionContext, there: Callable[[], Sequence[ShardKey]]) -> list[str]:
    """The partitions of a run; of a run of checks alone that names none, those that are ``there``."""
    if _names_partitions(context):
        named = named_partitions(context.instance, context.run)
        return [key for key in context.partition_keys if not named or key in named]
    if context.selected_asset_keys:
        raise NcaError("this run names no partition: choose some")
    return [str(key) for key in there()]


def make_partitions(
    context: dg.AssetExecutionContext, stages: Sequence[Stage], keys: Sequence[ShardKey], project: Project
) -> None:
    """Make what the run selects of ``keys``, or only check it, and report each stage as it is done.

    A partition that can't be made fails the run, but does not keep others from being made, unless the disk is full.
    """
    reporter = Reporter(context.instance, context.log_event)
    outcomes = _outcomes(context, stages, keys, project)
    if not context.selected_asset_keys:
        with closing(outcomes):
            _report_checks(context, reporter, outcomes)
        return
    failures: list[NcaError] = []
    try:
        with closing(outcomes):  # ends the workers
            for job, stage, result in outcomes:
                if failure := _report(context, reporter, stage, job.key, result):
                    failures.append(failure)
    finally:
        report_data_state(reporter)
    if failures:
        raise _all_in_one(failures, len(keys))


def _names_partitions(context: dg.AssetExecutionContext) -> bool:
    return bool(context.run.tags.keys() & {PARTITION, RANGE_START})


def _outcomes(
    context: dg.AssetExecutionContext, stages: Sequence[Stage], keys: Sequence[ShardKey], project: Project
) -> Generator[Outcome, None, None]:
    made = {key.to_user_string() for key in context.selected_asset_keys}
    chosen = tuple(stage for stage in map(partial(_selected, context), stages) if stage.name in made or stage.checks)
    partitions = [str(key) for key in keys]
    there = {
        name: reported_by_this_run(context, dg.AssetKey(name), partitions) if name in made else set(partitions)
        for name in (stage.name for stage in chosen)
    }
    jobs = []
    for key in keys:
        done = frozenset(name for name in there if str(key) in there[name])
        jobs.append(Job(key, chosen if done else in_one_pass(chosen, key, project), done))
    return make_all(jobs, project, partial(progress_in_log, context))


def _selected(context: dg.AssetExecutionContext, stage: Stage) -> Stage:
    """``stage`` with those of its checks that the run selects."""
    selected = context.selected_asset_check_keys
    names = {check.name for check in selected if check.asset_key.to_user_string() == stage.name}
    return replace(stage, checks={name: check for name, check in stage.checks.items() if name in names})


def _report(
    context: dg.AssetExecutionContext, reporter: Reporter, stage: Stage, key: ShardKey, result: Made | NcaError
) -> NcaError | None:
    """Report a result; returns why it failed, if it did. Raises ``DiskFullError``, after which nothing can be made."""
    if isinstance(result, DiskFullError):
        raise result
    if isinstance(result, NcaError):
        failure = result
    else:
        if result.artifact:
            report_change(reporter, f"run {context.run.run_id}")
            reporter.materialization(dg.AssetKey(stage.name), str(key), result.artifact)
        reporter.verdicts(dg.AssetKey(stage.name), str(key), result.verdicts)
        failed = [f"check {name}: {found.description}" for name, found in result.verdicts.items() if not found.passed]
        failure = NcaError(failed[0]) if failed else None
    if failure:
        line = f"{key}: {failure}"
        retry_while_down(lambda: context.log.error(line))
    return failure


def _report_checks(context: dg.AssetExecutionContext, reporter: Reporter, outcomes: Iterator[Outcome]) -> None:
    """Report the checks of a run that makes nothing: of each partition and, if the run names none, of all together."""
    found: defaultdict[dg.AssetCheckKey, list[Verdict]] = defaultdict(list)
    for job, stage, result in outcomes:
        if isinstance(result, NcaError):
            raise result
        asset = dg.AssetKey(stage.name)
        reporter.verdicts(asset, str(job.key), result.verdicts)
        for name, verdict in result.verdicts.items():
            found[dg.AssetCheckKey(asset, name)].append(verdict)
    if not _names_partitions(context):
        for check in context.selected_asset_check_keys:
            reporter.summary(check, found[check])


def _all_in_one(failures: list[NcaError], partitions: int) -> NcaError:
    """The first failure, one that can be tried again if there is any such, and how many more there are."""
    first = next((failure for failure in failures if isinstance(failure, TransientError)), failures[0])
    others = f" (and {len(failures) - 1} more of {partitions} partitions; the log has each)" if failures[1:] else ""
    return type(first)(f"{first}{others}")
