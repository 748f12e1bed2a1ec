"""The chain under a real Dagster instance: what is reported, what becomes stale, what the checks see."""

import base64
import io
import os
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
import torch
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from PIL import Image

from nca_assets.definitions import defs
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.in_process import Materialized, materialize_centroids, materialize_chain
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.table import read_table, write_table
from nca_assets.orchestration.reporting import rounded
from nca_assets.project import Project
from nca_assets.shards.manifest import read_manifest
from nca_assets.vocabulary.centroids import import_centroids
from nca_assets.warehouse.catalog import TABLES
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import local
from nca_assets_tests.orchestration.conftest import KEYS
from nca_assets_tests.shards.test_verify import forge

pytestmark = pytest.mark.slow

KEY = ShardKey("set1", 0)
SHARDS, LABELS = dg.AssetKey("rollout_shards"), dg.AssetKey("behavior_labels")
TABLE_KEYS = [dg.AssetKey(["analytics", table.name]) for table in TABLES]


def statuses(instance: dg.DagsterInstance, definitions: dg.Definitions = defs) -> dict[str, StaleStatus]:
    """Dagster's own view of what is fresh, stale or missing: each asset, the partitioned ones by partition."""
    resolver = CachingStaleStatusResolver(instance, definitions.resolve_asset_graph(), LoadingContextForTest(instance))
    partitioned = {f"{key.to_user_string()} {p}": resolver.get_status(key, p) for key in (SHARDS, LABELS) for p in KEYS}
    whole = {key.to_user_string(): resolver.get_status(key) for key in [dg.AssetKey("centroids"), *TABLE_KEYS]}
    return partitioned | whole


def materialization(
    instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None = None
) -> dg.AssetMaterialization:
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(key, asset_partitions=[partition] if partition else None), limit=1
    ).records
    found = records[0].asset_materialization
    assert found
    return found


def data_version(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None = None) -> str:
    tags = materialization(instance, key, partition).tags
    assert tags
    return tags["dagster/data_version"]


def run_job(instance: dg.DagsterInstance, job: str, partition: str | None = None) -> dg.ExecuteInProcessResult:
    found = defs.resolve_job_def(job)
    return found.execute_in_process(instance=instance, partition_key=partition, raise_on_error=False)


def test_the_chain_reports_every_asset_with_what_a_person_wants(project: Project, instance: dg.DagsterInstance) -> None:
    done = list(materialize_chain(KEYS))
    assert [(d.asset, d.partition) for d in done] == [
        ("centroids", None),
        *[(asset, key) for key in KEYS for asset in ("rollout_shards", "behavior_labels")],
        *[(key.to_user_string(), None) for key in TABLE_KEYS],
    ]
    shard = by_name(done, "rollout_shards")
    manifest = read_manifest(KEY, project.data)
    assert shard["dagster/partition_row_count"] == project.data.shard_size
    assert shard["tokens"] == manifest.tokens
    assert shard["bytes"] == project.data.tokens_file(KEY).stat().st_size
    assert shard["digest"] == manifest.digest
    assert shard["tokens per second"] == rounded(manifest.tokens / manifest.seconds)
    assert str(shard["device"]).startswith("cpu")
    picture = Image.open(io.BytesIO(base64.b64decode(str(shard["contact sheet"]).split("base64,")[1][:-1])))
    assert picture.format == "PNG"
    assert by_name(done, "behavior_labels")["dagster/partition_row_count"] == project.data.shard_size
    assert by_name(done, "analytics/labels")["dagster/row_count"] == 2 * project.data.shard_size
    assert data_version(instance, SHARDS, KEYS[0]) == manifest.digest
    assert set(statuses(instance).values()) == {StaleStatus.FRESH}


def by_name(done: list[Materialized], asset: str) -> dict[str, object]:
    return next(d.metadata for d in done if d.asset == asset)


def test_tables_carry_their_schema() -> None:
    graph = defs.resolve_asset_graph()
    schema = graph.get(LABELS).metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert [column.name for column in schema.columns] == [column.name for column in LABEL_COLUMNS]
    for key in TABLE_KEYS:
        assert "dagster/column_schema" in graph.get(key).metadata
        assert graph.get(key).code_version


def test_a_deleted_shard_made_again_has_the_same_version_and_makes_nothing_stale(
    chain: Project, instance: dg.DagsterInstance
) -> None:
    before = data_version(instance, SHARDS, KEYS[0])
    content = chain.data.tokens_file(KEY).read_bytes()
    chain.data.tokens_file(KEY).unlink()
    chain.data.manifest_file(KEY).unlink()
    assert run_job(instance, "make_shard", KEYS[0]).success
    assert data_version(instance, SHARDS, KEYS[0]) == before
    assert chain.data.tokens_file(KEY).read_bytes() == content
    assert set(statuses(instance).values()) == {StaleStatus.FRESH}


def test_remaking_only_the_shard_leaves_labels_and_tables_fresh(chain: Project, instance: dg.DagsterInstance) -> None:
    chain.data.tokens_file(KEY).unlink()
    only = defs.resolve_job_def("make_shard").get_subset(asset_selection={SHARDS})
    assert only.execute_in_process(instance=instance, partition_key=KEYS[0]).success
    assert chain.data.tokens_file(KEY).exists()
    assert set(statuses(instance).values()) == {StaleStatus.FRESH}


def test_a_new_vocabulary_makes_every_shard_stale(chain: Project, instance: dg.DagsterInstance) -> None:
    """The control for the two tests above: a change upstream does show."""
    torch.save(torch.randn(32, 16, generator=torch.Generator().manual_seed(1)), local(chain.data / "own.pt"))
    import_centroids(local(chain.data / "own.pt"), chain.data)
    materialize_centroids()
    stale = {name for name, status in statuses(instance).items() if status == StaleStatus.STALE}
    assert stale >= {f"rollout_shards {key}" for key in KEYS}
    list(materialize_chain(KEYS[:1]))
    after = statuses(instance)
    assert after["rollout_shards set1-00000"] == after["behavior_labels set1-00000"] == StaleStatus.FRESH
    assert after["rollout_shards set1-00001"] == StaleStatus.STALE
    assert materialization(instance, dg.AssetKey("centroids")).metadata["source"].value == "imported from own.pt"


def check_results(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


@pytest.mark.usefixtures("vocabulary")
def test_checks_pass_on_good_data_and_record_their_partition(instance: dg.DagsterInstance) -> None:
    result = run_job(instance, "make_shard", KEYS[0])
    evaluations = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert set(evaluations) == {"tokens_in_range", "shard_reproduces", "rollouts_differ", "labels_complete"}
    assert all(e.passed and e.partition == KEYS[0] for e in evaluations.values())
    assert evaluations["tokens_in_range"].metadata["rollouts"].value == 4
    assert evaluations["shard_reproduces"].metadata["rollouts simulated again"].value == 3
    assert check_results(run_job(instance, "build_analytics")) == {
        "counts_match": True,
        "shares_as_usual": True,
        "card_targets_met": True,
    }


def run_check(instance: dg.DagsterInstance, name: str) -> dg.AssetCheckEvaluation:
    """The check alone, of the first shard, which must fail; a run that only checks succeeds nevertheless."""
    job = defs.resolve_job_def("make_shard")
    only = job.get_subset(asset_selection=set(), asset_check_selection={dg.AssetCheckKey(SHARDS, name)})
    result = only.execute_in_process(instance=instance, partition_key=KEYS[0], raise_on_error=False)
    [evaluation] = result.get_asset_check_evaluations()
    assert result.success
    assert not evaluation.passed
    return evaluation


def test_a_shard_that_no_recipe_gives_fails_the_check(chain: Project, instance: dg.DagsterInstance) -> None:
    forge(chain.data, KEY, member=1)
    assert "set1/000001 does not reproduce" in str(run_check(instance, "shard_reproduces").description)


@pytest.mark.usefixtures("vocabulary")
def test_the_runs_log_says_why_the_cpu_was_taken(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCA_DEVICE", "auto")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    result = run_job(instance, "make_shard", KEYS[0])
    messages = [entry.user_message for entry in instance.all_logs(result.run_id)]
    # Once for the shard, once for the replicas that its labels need.
    assert messages.count("simulating on the CPU: torch finds 0 CUDA devices") == 2


def test_checks_fail_on_damaged_shards_and_missing_parts(chain: Project, instance: dg.DagsterInstance) -> None:
    file = chain.data.tokens_file(KEY)
    with np.load(local(file), allow_pickle=False) as shard:
        members = {name: shard[name] + 28 for name in shard}
    np.savez_compressed(local(file), **members)
    part = chain.data.labels_file(ShardKey("set1", 1))
    rows, lineage = read_table(part, chain.data, "")
    write_table(rows.head(3), part, chain.data, lineage)
    evaluation = run_check(instance, "tokens_in_range")
    assert "beyond 31" in str(evaluation.description)
    result = run_job(instance, "build_analytics")
    assert check_results(result) == {"counts_match": False, "shares_as_usual": True, "card_targets_met": True}


def put_a_file_where_the_folder_should_be(project: Project) -> None:
    folder = local(project.data.root)
    folder.rename(folder.with_name("away"))
    folder.touch()


BAD_INPUT: dict[str, tuple[str, str, str, Callable[[Project], object]]] = {
    "shard size 0": ("set1-00000", "NCA_SHARD_SIZE=0", "NCA_SHARD_SIZE=0: ", lambda _: None),
    "frames 128": ("set1-00000", "NCA_FRAMES=128", "NCA_FRAMES=128: ", lambda _: None),
    "unknown partition": ("set1-99999", "", "unknown partition key 'set1-99999': use set1-00000", lambda _: None),
    "folder": ("set1-00000", "", "can't write to .*data: .* set NCA_DATA", put_a_file_where_the_folder_should_be),
    "wrong shape": (
        "set1-00000",
        "",
        r"centroids\.pt holds torch.float32 \(31, 16\), .* 'nca import centroids FILE'",
        lambda s: torch.save(torch.ones(31, 16), local(s.data.centroids_file)),
    ),
    "NaN": (
        "set1-00000",
        "",
        r"centroids\.pt holds NaN .* 'nca import centroids FILE'",
        lambda s: torch.save(torch.full((32, 16), float("nan")), local(s.data.centroids_file)),
    ),
    "not a torch file": (
        "set1-00000",
        "",
        r"centroids\.pt is not a file of torch\.save .* 'nca import centroids FILE'",
        lambda s: local(s.data.centroids_file).write_bytes(b"hello"),
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_before_any_compute(project: Project, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    key, setting, message, spoil = BAD_INPUT[case]
    spoil(project)
    if setting:
        monkeypatch.setenv(*setting.split("="))
    with pytest.raises(NcaError, match=message) as caught:
        list(materialize_chain([key]))
    assert "\n" not in str(caught.value)
    assert not (project.data / "nca_dataset").exists()


def test_a_failed_run_says_why_in_its_event(project: Project, instance: dg.DagsterInstance) -> None:
    local(project.data.centroids_file).write_bytes(b"hello")
    result = run_job(instance, "make_shard", KEYS[0])
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data
    assert "is not a file of torch.save" in str(failure.user_failure_data.description)


@pytest.mark.usefixtures("project")
def test_without_a_project_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with pytest.raises(NcaError, match=r"has no dagster\.yaml: run this in a project's folder"):
        list(materialize_chain(KEYS))


def test_the_warehouse_is_there_to_query(chain: Project) -> None:
    assert local(chain.data.warehouse_file()).stat().st_mode & 0o777 == 0o666 & ~umask()
    with connect(chain.data) as connection:
        assert connection.execute("SELECT sum(rollouts) FROM behavior_summary").fetchall() == [(8,)]


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
