"""nca status and nca backfill: how far the dataset is, and asking for more of it."""

import re
import subprocess
import sys

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from nca_assets.orchestration.backfill.overview import take_overview
from nca_assets.orchestration.partitions.events import Reporter
from nca_assets.project import Project
from nca_assets.workers.stages import Artifact
from nca_assets_tests.cli.command import Capture, nca
from nca_assets_tests.orchestration.test_chain import LABELS, SHARDS
from nca_assets_tests.orchestration.test_ranges import KEYS, run_range

pytestmark = pytest.mark.slow


def test_an_overview_counts_partitions_by_state(begun: Project, instance: dg.DagsterInstance) -> None:
    assert not run_range(instance, KEYS[1], KEYS[1], {LABELS}).success
    overview = take_overview(begun, instance)
    first, second, third = overview.sets
    assert (first.partitions, first.materialized, first.missing) == (4, 3, 1)
    assert (first.stale, first.failed, first.in_flight) == (1, 1, 0)
    assert first.on_disk.rollouts == 12
    assert (second.materialized, second.missing, second.unlabeled, second.on_disk.shards) == (0, 4, 1, 1)
    assert (third.partitions, third.missing, third.on_disk.tokens) == (4, 4, 0)
    assert overview.left == 10
    assert overview.seconds_per_partition
    assert overview.seconds_left == pytest.approx(10 * overview.seconds_per_partition)


def test_adopted_labels_do_not_shorten_the_time_left(begun: Project, instance: dg.DagsterInstance) -> None:
    """They do not say how long they took."""
    before = take_overview(begun, instance).seconds_per_partition
    for key in KEYS:
        Reporter(instance).materialization(LABELS, key, Artifact("adopted", "labels", {}, {}))
    assert take_overview(begun, instance).seconds_per_partition == before


@pytest.mark.usefixtures("begun")
def test_status_prints_it(capsys: Capture) -> None:
    assert nca("status") == 0
    out = capsys.readouterr().out
    rows = {row[0]: row[1:] for line in out.splitlines() if len(row := line.split()) == 11}
    assert rows["set1"][:7] == ["4", "3", "1", "0", "0", "1", "0"]
    assert rows["set3"] == ["4", "0", "0", "0", "0", "4", "0", "0", "0", "0"]
    assert "10 partitions to make" in out
    assert re.search(r"recently [\d.]+ s each: ", out)


def test_status_needs_no_torch(begun: Project) -> None:
    code = "import sys; from nca_assets.cli.main import main; sys.argv = ['nca', 'status']\n"
    code += "try: main()\nexcept SystemExit: pass\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(begun.data) in done.stdout


def backfills(instance: dg.DagsterInstance) -> list[PartitionBackfill]:
    return list(instance.get_backfills())


def targets(backfill: PartitionBackfill) -> dict[dg.AssetKey, set[str]]:
    assert backfill.asset_backfill_data
    subset = backfill.asset_backfill_data.target_subset.partitions_subsets_by_asset_key
    return {key: set(partitions.get_partition_keys()) for key, partitions in subset.items()}


@pytest.mark.usefixtures("vocabulary")
def test_backfill_asks_for_a_range_of_a_set(instance: dg.DagsterInstance, capsys: Capture) -> None:
    assert nca("backfill", "--set", "set1", "--shards", "1-2") == 0
    [backfill] = backfills(instance)
    assert backfill.status == BulkActionStatus.REQUESTED
    assert targets(backfill) == {SHARDS: set(KEYS[1:3]), LABELS: set(KEYS[1:3])}
    out = capsys.readouterr().out
    assert backfill.backfill_id in out
    assert "no daemon is running" in out


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize(
    ("options", "shards", "labels"),
    [
        (("--missing",), {"set2-00000"}, {"set2-00000", "set2-00001"}),
        (("--stale",), {KEYS[1]}, {KEYS[1]}),
        (("--missing", "--stale"), {KEYS[1], "set2-00000"}, {KEYS[1], "set2-00000", "set2-00001"}),
    ],
)
def test_backfill_asks_only_for_what_is_wanted(
    instance: dg.DagsterInstance, options: tuple[str, ...], shards: set[str], labels: set[str]
) -> None:
    for name in ("set1", "set2"):
        assert nca("backfill", "--set", name, "--shards", "0-1", *options) == 0
    asked = [targets(backfill) for backfill in backfills(instance)]
    assert set.union(*(target.get(SHARDS, set()) for target in asked)) == shards
    assert set.union(*(target[LABELS] for target in asked)) == labels


@pytest.mark.usefixtures("begun")
def test_backfill_of_nothing_launches_nothing(instance: dg.DagsterInstance, capsys: Capture) -> None:
    assert nca("backfill", "--set", "set1", "--shards", "0", "--missing") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert not backfills(instance)


@pytest.mark.usefixtures("begun")
def test_backfill_leaves_out_what_is_in_flight(instance: dg.DagsterInstance) -> None:
    assert nca("backfill", "--set", "set2", "--shards", "0-1", "--missing") == 0
    assert nca("backfill", "--set", "set2", "--shards", "0-2", "--missing") == 0
    first, second = sorted((targets(backfill) for backfill in backfills(instance)), key=lambda t: len(t[SHARDS]))
    assert first[SHARDS] | second[SHARDS] == {"set2-00000", "set2-00002"}
    assert not first[SHARDS] & second[SHARDS]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "set9"), "unknown set 'set9': choose one of set1, set2, set3"),
        (("--shards", "3-1"), "3 is above 1"),
        (("--shards", "all"), "is not a range"),
        (("--shards", "0-4"), "unknown partition key 'set1-00004'"),
    ],
)
def test_backfill_says_what_is_wrong(arguments: tuple[str, ...], message: str, capsys: Capture) -> None:
    assert nca("backfill", *arguments) == 1
    assert message in capsys.readouterr().err
