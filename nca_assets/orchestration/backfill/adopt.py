"""Adopting data that Dagster does not know of: they are reported as materialized, as their own files describe them.

A run that was killed between writing a file and reporting it leaves such data, and so does an instance that was lost or
exchanged for another. Not here: damaged data, which are stale and made again.
"""

import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import ShardKey
from nca_assets.orchestration.assets.data_state import report_change, report_data_state
from nca_assets.orchestration.partitions.events import Reporter, latest_version
from nca_assets.orchestration.partitions.keys import imported_partitions
from nca_assets.project import Project
from nca_assets.store.store import modified_at
from nca_assets.versions import CENTROIDS_CODE
from nca_assets.workers.stages import STAGES, Artifact

if TYPE_CHECKING:
    from nca_assets.warehouse.stale import Assessment

log = logging.getLogger(__name__)

CENTROIDS = dg.AssetKey("centroids")


def adopt(
    assessed: "Assessment",
    project: Project,
    instance: dg.DagsterInstance,
    busy: Collection[str] = (),
    most: int | None = None,
) -> int:
    """Report the vocabulary and up to ``most`` of the ``unreported`` partitions that are not ``busy``; returns how many
    were reported."""
    reporter = Reporter(instance)
    vocabulary = _adopt_vocabulary(project, reporter)
    unreported = [found for found in assessed.unreported if found[1] not in busy][:most]
    if not unreported:
        return vocabulary
    imported = sorted({partition for asset, partition in unreported if asset.startswith("imported")})
    instance.add_dynamic_partitions(str(imported_partitions.name), imported)
    report_change(reporter, "adoption")
    adopted = sum(_adopt(asset, ShardKey.parse(partition), project, reporter) for asset, partition in unreported)
    report_data_state(reporter)
    return vocabulary + adopted


def _adopt(asset: str, key: ShardKey, project: Project, reporter: Reporter) -> bool:
    [stage] = [stage for stage in STAGES if stage.name == asset]
    try:
        found = stage.found(key, project.data)
    except DamageError as error:
        log.warning("%s is not adopted: %s", key, error)
        return False
    written = datetime.fromtimestamp(modified_at(found.facts["path"]), UTC)
    reporter.materialization(dg.AssetKey(asset), str(key), replace(found, facts={**found.facts, "written": written}))
    return True


def _adopt_vocabulary(project: Project, reporter: Reporter) -> bool:
    from nca_assets.vocabulary.current import current_digest, current_source

    digest = current_digest(project.data)
    if digest is None or digest == latest_version(reporter.instance, CENTROIDS):
        return False
    with suppress(NcaError):  # put there by hand: no one's to adopt, and refused by the next run with its remedy
        source = current_source(project.data)
        reporter.materialization(CENTROIDS, None, Artifact(digest, CENTROIDS_CODE, {}, {"source": source}))
        return True
    return False
