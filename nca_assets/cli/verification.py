"""The command that verifies the files on disk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from nca_assets.cli.app import app
from nca_assets.cli.show import progress_of
from nca_assets.errors import DamageError, NcaError
from nca_assets.text import counted

if TYPE_CHECKING:
    from nca_assets.data_folder import DataFolder
    from nca_assets.ids import ShardKey
    from nca_assets.project import Project
    from nca_assets.workers.checks import Verdict


@app.command()
def verify(
    partitions: Annotated[
        list[str] | None, typer.Argument(help="Partition keys; default: all on disk, and all other files.")
    ] = None,
    rollouts: Annotated[int, typer.Option(min=1, help="Rollouts per shard to simulate again.")] = 4,
    every: Annotated[bool, typer.Option("--all", help="Simulate every rollout again.")] = False,
    published: Annotated[
        Path | None, typer.Option(help="Instead, check this published folder against its checksums.")
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Instead, recompute the rollouts whose digests this release promises.")
    ] = False,
) -> None:
    """Check all files against their digests, and simulate some rollouts again.

    Findings are recorded, and listed in the warehouse's stale_partitions.
    """
    if release:
        _verify_release()
    elif published:
        _verify_published(published)
    else:
        _verify_data(partitions or [], None if every else rollouts)


def _verify_published(folder: Path) -> None:
    from nca_assets.publishing.checksums import check_published

    findings = check_published(folder)
    for finding in findings:
        print(f"{folder}: {finding}", file=sys.stderr)
    if findings:
        raise NcaError(f"{folder} has changed since it was published: {counted(len(findings), 'difference')}")
    print(f"{folder}: every file matches its checksum")


def _verify_release() -> None:
    from nca_assets.cli.show import shown
    from nca_assets.release import differences, read_release
    from nca_assets.settings import Resources, load

    release, resources = read_release(), load(Resources)
    with shown("release") as progress:
        findings = differences(release, resources, progress)
    for finding in findings:
        print(finding, file=sys.stderr)
    if findings:
        raise NcaError(
            f"this machine differs from release {release.version}: {counted(len(findings), 'difference')}; install the "
            "pinned packages (constraints.txt), try NCA_DEVICE=cpu, and report it if it stays"
        )
    print(f"{counted(len(release.rollouts), 'rollout')} recomputed, all equal to release {release.version}")


def _verify_data(partitions: list[str], rollouts: int | None) -> None:
    from nca_assets.in_process import rebuild_if, report_verification
    from nca_assets.project import Project
    from nca_assets.shards.findings import recorded_findings

    project = Project.load()
    keys = _chosen_keys(partitions, project)
    before = recorded_findings(project.data)
    errors = {key: _verify_partition(key, project, rollouts) for key in keys}
    failed = [key for key in keys if any(errors[key])]
    report_verification({key: _verdicts(key, project, *errors[key]) for key in keys}, project.data)
    others, damaged = (0, []) if partitions else _verify_others(project.data)
    for finding in damaged:
        print(finding, file=sys.stderr)
    rebuild_if(recorded_findings(project.data) != before or bool(damaged))
    if failed:
        raise NcaError(f"{len(failed)} of {counted(len(keys), 'shard')} could not be verified{_how_to_remake(failed)}")
    if damaged:
        raise NcaError(f"{len(damaged)} of {counted(others, 'other file')} damaged")
    print(f"intact: {counted(len(keys), 'shard')} with labels, {counted(others, 'other file')}")


def _verify_others(data: DataFolder) -> tuple[int, list[str]]:
    """The number of files that belong to no shard, or are made from shards, and a line for each that is damaged."""
    from nca_assets.loading.unpacked import verify_unpacked
    from nca_assets.publishing.checksums import check_published
    from nca_assets.store.store import current, names_below
    from nca_assets.warehouse.verify import verify_other_files

    found = [verify_other_files(data), verify_unpacked(data)]
    published = current(data.published_folder)
    if files := list(names_below(published)):
        try:
            changed = [f"{published}: {finding}: run 'nca publish' again" for finding in check_published(published)]
        except NcaError as error:
            changed = [str(error)]
        found.append((len(files), changed))
    return sum(count for count, _ in found), [finding for _, findings in found for finding in findings]


def _how_to_remake(keys: list[ShardKey]) -> str:
    """The commands that remake the native ones of ``keys``; messages about imported shards come with remedies."""
    native = [str(key) for key in keys if not key.imported]
    if not native:
        return ""
    return f": remake them with 'nca backfill --missing --stale' or 'nca materialize {' '.join(native[:3])}'"


def _chosen_keys(partitions: list[str], project: Project) -> list[ShardKey]:
    """The shards of these partition keys; if there are none, all shards that have a manifest or labels."""
    from nca_assets.ids import ShardKey

    if partitions:
        return [ShardKey.parse(text) for text in partitions]
    there = {*project.data.shards(), *project.data.imported_shards(), *project.data.labelled_shards()}
    if not there:
        raise NcaError(f"{project.data} has no shards to verify: materialize one first")
    return sorted(there, key=lambda key: (key.imported, key))


def _verify_partition(key: ShardKey, project: Project, rollouts: int | None) -> tuple[NcaError | None, NcaError | None]:
    """Verify a shard and its labels and print the results; returns the error of each, if any."""
    from nca_assets.labels.verify import verify_labels
    from nca_assets.shards.verify import verify_shard

    shard = labels = None
    try:
        with tqdm(desc=str(key), unit=" rollouts", disable=None, leave=False) as bar:
            most = rollouts or project.data.shard_size
            again = verify_shard(key, project.data, project.resources, most, progress_of(bar))
        native = f"{counted(again, 'rollout')} simulated again, identical bytes"
        print(f"{key}: {'all rollouts read, unchanged since import' if key.imported else native}", flush=True)
    except NcaError as error:
        shard = error
    try:
        verify_labels(key, project.data)
    except NcaError as error:
        labels = error
    for error in filter(None, (shard, labels)):
        print(f"{key}: {error}", file=sys.stderr)
    return shard, labels


def _verdicts(
    key: ShardKey, project: Project, shard: NcaError | None, labels: NcaError | None
) -> dict[str, dict[str, Verdict]]:
    """The checks that verification has done, by asset; errors that are not the data's fault leave them out."""
    from nca_assets.remedies import relabel
    from nca_assets.workers.checks import Verdict

    file = project.data.labels_file(key)
    if not labels and not file.exists():
        labels = DamageError(f"{file} is missing: {relabel(key)}")
    named = {(key.shards_asset, "tokens_in_range"): shard, (key.labels_asset, "labels_complete"): labels}
    return {
        asset: {check: Verdict(error is None, str(error) if error else None)}
        for (asset, check), error in named.items()
        if error is None or isinstance(error, DamageError)
    }
