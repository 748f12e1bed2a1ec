"""What follows the death of a process: its runs are failed, one tick of ``top_up``, a build; then all must agree.

A program: FOLDER PLACE [POINT ...] dies at each point in turn, and prints a line of JSON about each. Every process is a
fork of this one, which has imported the code location but used neither Dagster nor a bucket.
"""

import json
import os
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # where these tests are

from nca_assets_tests.end_to_end.deaths import KILLED, Journal, die_after, journal_making

KEYS = [f"set1-0000{number}" for number in range(4)]

MAKES = {"write_shard": ["shard"], "write_labels": ["labels"], "write_labelled_shard": ["shard", "labels"]}
"""What each function makes of a partition."""


def case(number: int | None, folder: Path, place: str) -> dict[str, Any]:
    """One life, death and recovery."""
    shutil.copytree(folder.parent / "home", folder / "home")
    (folder / "tmp").mkdir()
    os.environ |= {"NCA_DATA": place, "DAGSTER_HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    journal, again = Journal(folder / "journal"), Journal(folder / "again")
    forked(prepare)
    ended = forked(lambda: live(number, folder, journal))
    found: dict[str, Any] = {"number": number, "ended": ended, "faults": []}
    found["points"] = journal.words("point") if number is None else journal.words("point")[-1:]
    if ended != (KILLED if number else 0):
        found["faults"].append(f"the run ended with {ended}, not {KILLED}")
    if forked(lambda: (folder / "found").write_text(json.dumps(recover(again)))):
        return found | {"faults": ["the recovery failed", *(folder / "error").read_text().splitlines()[-30:]]}
    found |= json.loads((folder / "found").read_text())
    found["faults"] += made_twice(journal, again)
    return found


def prepare() -> None:
    from nca_assets.project import Project
    from nca_assets.vocabulary.centroids import read_centroids, save_centroids
    from nca_assets_tests.conftest import GOLDEN

    save_centroids(read_centroids(GOLDEN / "centroids.pt"), Project.load().writable_data(), "imported from a test")


def live(number: int | None, folder: Path, journal: Journal) -> None:
    from nca_assets.in_process import materialize_chain

    journal_making(journal)
    die_after(number, folder, journal)
    list(materialize_chain(KEYS))


def recover(journal: Journal) -> dict[str, Any]:
    """The faults found after the recovery, and the digests of all partitions."""
    import dagster as dg

    from nca_assets.definitions import defs
    from nca_assets.in_process import QUIET, _run, project_instance
    from nca_assets.orchestration.backfill.top_up import top_up

    journal_making(journal)
    faults: list[str] = []
    with project_instance() as instance:
        unseen = fail_dead_runs(instance)
        context = dg.build_schedule_context(instance=instance)
        for request in [asked for asked in top_up(context) if isinstance(asked, dg.RunRequest)]:  # pyright: ignore
            result = defs.resolve_job_def("make_shard").execute_in_process(
                run_config=QUIET, instance=instance, raise_on_error=False, tags=dict(request.tags),
                asset_selection=list(request.asset_selection or []),
            )  # fmt: skip
            if not result.success:
                faults.append(f"the requested run {request.run_key} failed")
        _run("build_analytics", instance)
        digests, wrong = compare(instance)
    return {"digests": digests, "unseen": unseen, "faults": faults + wrong + leftovers()}


def fail_dead_runs(instance: Any) -> list[str]:
    """As run monitoring does; returns those that it would not have seen."""
    import dagster as dg

    from nca_assets.orchestration.instance import launcher
    from nca_assets.orchestration.partitions.in_flight import UNFINISHED

    launcher.SECONDS_TO_TAG = 0.0  # as if they had passed
    unseen: list[str] = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if run.status == dg.DagsterRunStatus.STARTED:
            health = instance.run_launcher.check_run_worker_health(run)
            if health.status.value != "FAILED":
                unseen.append(f"{run.job_name} is taken for {health.status.value}: {health.msg}")
        instance.report_run_failed(run)
    return unseen


def compare(instance: Any) -> tuple[dict[str, list[str]], list[str]]:
    """The digests of each partition's shard and labels, by its files, and where events or SQL say otherwise."""
    import dagster as dg

    from nca_assets.ids import ShardKey
    from nca_assets.orchestration.assets.data_state import _state_of_partitions
    from nca_assets.orchestration.partitions.events import latest_version, latest_versions
    from nca_assets.orchestration.partitions.in_flight import partitions_in_flight
    from nca_assets.orchestration.partitions.pending import assess_now, find_pending
    from nca_assets.project import Project
    from nca_assets.warehouse.answer import whole_table
    from nca_assets.workers.stages import find_labels, find_shard

    project = Project.load()
    data = project.data
    faults = [f"{name}: {keys}" for name, keys in vars(find_pending(project, instance)).items() if keys]
    if unreported := assess_now(project, instance).unreported:
        faults.append(f"unreported: {unreported}")
    if busy := partitions_in_flight(instance, project):
        faults.append(f"in flight: {sorted(busy)}")
    if (stated := latest_version(instance, dg.AssetKey("data_state"))) != _state_of_partitions(instance)[0]:
        faults.append(f"data_state is {stated}")
    digests: dict[str, list[str]] = {key: [] for key in KEYS}
    for asset, table, find in (
        ("rollout_shards", "shards", find_shard), ("behavior_labels", "label_parts", find_labels),
    ):  # fmt: skip
        files = {key: find(ShardKey.parse(key), data).version for key in KEYS}
        events = latest_versions(instance, dg.AssetKey(asset))
        in_sql = dict(whole_table(f"SELECT partition_key, digest FROM {table}", data).iter_rows())
        current = f"SELECT partition_key, data_version FROM current_materializations WHERE asset = '{asset}'"
        history = dict(whole_table(current, data).iter_rows())
        for key in KEYS:
            digests[key].append(files[key])
        faults += [
            f"{asset} by {name}: {found} instead of {files}"
            for name, found in (("events", events), ("SQL", in_sql), ("the history", history))
            if found != files
        ]
    if len(stale := whole_table("FROM stale_partitions", data)):
        faults.append(f"stale in SQL: {stale.rows()}")
    return digests, faults


def leftovers() -> list[str]:
    """Temporary files in the data folder, or the local cache of a bucket."""
    from nca_assets.project import Project
    from nca_assets.store.store import cache_of

    root = cache_of(Project.load().data.root)
    return [f"left: {file.relative_to(root)}" for file in sorted(root.rglob(".*")) if file.name != ".warehouse-cache"]


def made_twice(journal: Journal, again: Journal) -> list[str]:
    """What was made again though it was not in hand, or was never made."""
    first, later = ([MAKES[name], key] for name, key in journal.words("made")), again.words("made")
    begun = [[f"{part} {key}" for part in parts] for parts, key in first]
    repeated = [f"{part} {key}" for name, key in later for part in MAKES[name]]
    counted, in_hand = Counter([*chain(*begun), *repeated]), begun[-1] if begun else []
    wanted = [f"{part} {key}" for part in ("shard", "labels") for key in KEYS]
    return [f"{part}: {counted[part]} times" for part in wanted if not 1 <= counted[part] <= 1 + (part in in_hand)]


def forked(work: Callable[[], object]) -> int:
    """The exit status of ``work`` in a fork of this process."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        (Path(os.environ["DAGSTER_HOME"]).parent / "error").write_text(traceback.format_exc())
    finally:
        os._exit(status)


def make_home(home: Path) -> None:
    from nca_assets.in_process import project_instance
    from nca_assets_tests.conftest import PROJECT

    home.mkdir()
    shutil.copy(PROJECT / ".dagster" / "dagster.yaml", home)
    os.environ["DAGSTER_HOME"] = str(home)

    def create() -> None:
        with project_instance() as instance:
            instance.get_asset_keys()

    if forked(create):
        raise SystemExit((home.parent / "error").read_text())


def warm_up() -> None:
    """Import what every fork needs. Nothing is executed: polars hangs in a fork of a process that has used it."""
    import nca_assets.orchestration.assets.column_lineage
    import nca_assets.warehouse.answer
    import nca_assets.warehouse.build  # noqa: F401
    from nca_assets.definitions import defs

    for job in ("learn_vocabulary", "make_shard", "build_analytics"):
        defs.resolve_job_def(job)


def main(folder: Path, place: str, numbers: list[str]) -> None:
    from nca_assets_tests.warm import LARGE

    for module in LARGE:
        __import__(module)
    warm_up()
    if not (folder / "home").exists():
        make_home(folder / "home")
    for text in numbers:
        own = folder / f"case{text}"
        own.mkdir()
        where = f"{place}/case{text}" if place else str(own / "data")
        print(json.dumps(case(None if text == "dry" else int(text), own, where)), flush=True)
        shutil.rmtree(own)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
