"""Running jobs in this process, on the project's own Dagster instance, without a daemon."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.orchestration.instance.binding import belongs, bind
from nca_assets.orchestration.instance.home import has_home, project_instance
from nca_assets.orchestration.partitions.events import Reporter, latest_versions
from nca_assets.orchestration.partitions.in_flight import RANGE_END, RANGE_START, SHARDS, partitions_in_flight
from nca_assets.orchestration.partitions.pending import ASSETS, ranges
from nca_assets.project import Project
from nca_assets.store.location import Stored
from nca_assets.workers.checks import Verdict
from nca_assets.workers.stages import find_shard

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run config: events go to the instance only; callers print what matters."""


@dataclass(frozen=True)
class Materialized:
    """One materialization of a run: asset key, partition if any, and metadata as plain values."""

    asset: str
    partition: str | None
    metadata: dict[str, object]


def materialize_chain(partition_keys: list[str]) -> Iterator[Materialized]:
    """Materialize the vocabulary if it is missing, then the shards with their labels, then the warehouse.

    Consecutive shards are one run, which uses all GPUs. Yields the materializations of each run as it ends. Raises
    ``NcaError`` if a run fails, or at once on bad settings, a bad folder or bad partition keys.
    """
    project = Project.load()
    keys = [project.shard_key(text) for text in partition_keys]
    data = project.writable_data()
    with _instance_of(data) as instance:
        known = instance.get_latest_materialization_event(dg.AssetKey("centroids"))
        if known is None or not data.centroids_file.exists():
            yield from _run("learn_vocabulary", instance)
        for group in ranges(map(str, keys), project.orchestration.shards_per_run):
            yield from _run("make_shard", instance, *group)
        yield from _run("build_analytics", instance)


def materialize_centroids() -> list[Materialized]:
    """Materialize the vocabulary alone, which records a new one in the instance."""
    with _instance_of(Project.load().writable_data()) as instance:
        return _run("learn_vocabulary", instance)


def import_vocabulary(file: Path) -> Materialized:
    """Make the centroids in ``file`` the project's vocabulary, and materialize it.

    Raises ``NcaError`` if the instance can't be opened or ``file`` is invalid; the old vocabulary then stays.
    """
    from nca_assets.vocabulary.centroids import import_centroids

    data = Project.load().writable_data()
    with _instance_of(data) as instance:
        import_centroids(file, data)
        [vocabulary] = _run("learn_vocabulary", instance)
        return vocabulary


def import_shards(folder: Stored, name: str) -> Iterator[Materialized]:
    """Register and label the files in ``folder`` as set ``name``, then rebuild the warehouse; yields as it goes."""
    from nca_assets.shards.imported import shard_keys

    data = Project.load().writable_data()
    with _instance_of(data) as instance:
        for key, file in shard_keys(folder, name, data).items():
            config = {"ops": {"imported": {"config": {"source": str(file)}}}}
            with _partition("imported_shards", str(key), instance):
                done = _run("import_shard", instance, str(key), config=config)
            yield from done
        yield from _run("build_analytics", instance)


def collect(name: str, config: dict[str, object]) -> dict[str, Any]:
    """Freeze collection ``name`` with the asset's ``config`` and add it to the warehouse; returns the metadata."""
    with _instance_of(Project.load().writable_data()) as instance:
        given = {key: value for key, value in config.items() if value is not None}
        with _partition("collections", name, instance):
            [frozen] = _run("freeze_collection", instance, name, config={"ops": {"collections": {"config": given}}})
        _run("build_collection_tables", instance)
        return frozen.metadata


def score_baselines() -> None:
    """Train and score the baselines of the long-horizon task, and add the scores to the warehouse."""
    with _instance_of(Project.load().writable_data()) as instance:
        _run("score_baselines", instance)
        _run("build_score_tables", instance)


def draw_figures() -> list[Materialized]:
    """Draw all figures, and write the explorer and the dataset card."""
    with _instance_of(Project.load().writable_data()) as instance:
        return _run("draw_figures", instance)


def publish_dataset(original_layout: bool = False, collections: Sequence[str] = ()) -> list[Materialized]:
    """Write the dataset, with ``collections`` as configs, as a folder for the Hugging Face hub."""
    given = {"original_layout": original_layout, "collections": list(collections)}
    config = {"ops": {"published_dataset": {"config": given}}}
    with _instance_of(Project.load().writable_data()) as instance:
        return _run("publish_dataset", instance, config=config)


@contextmanager
def _partition(kind: str, name: str, instance: dg.DagsterInstance) -> Iterator[None]:
    """Add partition ``name`` of ``kind``; removed again if it was new and the block fails."""
    new = not instance.has_dynamic_partition(kind, name)
    instance.add_dynamic_partitions(kind, [name])
    try:
        yield
    except NcaError:
        if new:
            instance.delete_dynamic_partition(kind, name)
        raise


def rebuild_if(needed: bool) -> None:
    """Rebuild the warehouse if ``needed``, and if there is one."""
    data = Project.load().data
    if needed and data.warehouse_file().exists():
        with _instance_of(data) as instance:
            _run("build_analytics", instance)


def report_verification(verdicts: Mapping[ShardKey, Mapping[str, Mapping[str, Verdict]]], data: DataFolder) -> None:
    """Report the verdicts of checks, by shard and asset, of partitions that a Dagster instance of ``data`` knows."""
    if not has_home():
        return
    with project_instance() as instance:
        if not belongs(instance, data):
            return
        known = {asset: latest_versions(instance, dg.AssetKey(asset)) for asset in ASSETS}

        # In a run, since Dagster keeps a single evaluation of a partition outside of runs.
        @dg.op
        def report(context: dg.OpExecutionContext) -> None:
            reporter = Reporter(context.instance, context.log_event)
            for key, assets in verdicts.items():
                for asset, found in assets.items():
                    if str(key) in known[asset]:
                        reporter.verdicts(dg.AssetKey(asset), str(key), found)

        @dg.job
        def verification() -> None:
            report()

        verification.execute_in_process(instance=instance, run_config=QUIET)


def busy_partitions(project: Project) -> set[str]:
    """The partitions that runs are making, in a Dagster instance of the project's dataset."""
    if not has_home():
        return set()
    with project_instance() as instance:
        return partitions_in_flight(instance, project) if belongs(instance, project.data) else set()


def report_kinds(keys: Collection[ShardKey], data: DataFolder) -> None:
    """Report whether shards keep their tokens, of partitions that a Dagster instance of ``data`` knows.

    As observations: their content is the same, so nothing that depends on them is to be made again.
    """
    if not keys or not has_home():
        return
    with project_instance() as instance:
        if not belongs(instance, data):
            return
        known, reporter = latest_versions(instance, SHARDS), Reporter(instance)
        for key in keys:
            if str(key) in known:
                reporter.observation(SHARDS, str(key), find_shard(key, data).facts)


@contextmanager
def _instance_of(data: DataFolder) -> Iterator[dg.DagsterInstance]:
    """The project's instance, bound to ``data`` before any run starts."""
    with project_instance(captures_output=False) as instance:
        bind(instance, data)
        yield instance


def _run(
    job: str, instance: dg.DagsterInstance, *partitions: str, config: dict[str, Any] | None = None
) -> list[Materialized]:
    """Run a job, of one partition or of a range that follow each other if there are any.

    Raises ``KeyboardInterrupt`` on Ctrl-C, which Dagster would call a failure.
    """
    from nca_assets.definitions import defs

    several = {RANGE_START: partitions[0], RANGE_END: partitions[-1]} if partitions[1:] else None
    result = defs.resolve_job_def(job).execute_in_process(
        run_config=QUIET | (config or {}), instance=instance, raise_on_error=False, tags=several,
        partition_key=partitions[0] if partitions and not several else None,
    )  # fmt: skip
    if not result.success:
        names = " to ".join(sorted({partitions[0], partitions[-1]})) if partitions else ""
        raise NcaError(_reason(result, f"job {job}" + (f", partition {names}" if names else "")))
    return [
        Materialized(
            event.asset_key.to_user_string(),
            event.partition,
            {name: value.value for name, value in event.materialization.metadata.items()},
        )
        for event in result.get_asset_materialization_events()
        if event.asset_key and event.asset_key.to_user_string() != "data_state"
    ]


def _reason(result: dg.ExecuteInProcessResult, what: str) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data and failure.user_failure_data.description:
                return failure.user_failure_data.description
            if failure.error and failure.error.cls_name == "DagsterExecutionInterruptedError":
                raise KeyboardInterrupt
            if failure.error:
                return f"{what} failed: {failure.error.message.splitlines()[0]} (the traceback is in the run's log)"
    return f"{what} failed; see its log in the UI"
