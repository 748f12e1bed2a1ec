"""While the folder of one set can't be read, the others are made, and nothing is made again that may lie in it."""

import shutil

import dagster as dg
import pytest

from nca_assets.orchestration.backfill.overview import take_overview
from nca_assets.orchestration.backfill.top_up import top_up
from nca_assets.orchestration.partitions.in_flight import RANGE_END, RANGE_START
from nca_assets.orchestration.partitions.pending import assess_now, pending_of
from nca_assets.project import Project
from nca_assets.warehouse.answer import whole_table
from nca_assets_tests.cli.command import Capture, nca
from nca_assets_tests.conftest import local
from nca_assets_tests.damage.unreadable import loop
from nca_assets_tests.orchestration.conftest import KEYS
from nca_assets_tests.orchestration.test_chain import run_job
from nca_assets_tests.orchestration.test_ranges import run_range

pytestmark = pytest.mark.slow


def test_a_tick_the_status_a_backfill_a_run_and_a_build_go_on(
    chain: Project, instance: dg.DagsterInstance, capsys: Capture
) -> None:
    folder = local(chain.data / "nca_dataset")
    with loop(folder):
        with dg.build_schedule_context(instance) as context:
            tick = top_up.evaluate_tick(context)
        asked = [(request.tags[RANGE_START], request.tags[RANGE_END]) for request in tick.run_requests or []]
        assert asked == [("set2-00000", "set2-00003"), ("set3-00000", "set3-00003")]
        first, *others = take_overview(chain, instance).sets
        assert (first.materialized, first.stale, first.missing) == (2, 2, 2)
        assert [(of_set.materialized, of_set.missing) for of_set in others] == [(0, 4), (0, 4)]
        assert nca("status") == 0
        assert "4 partitions in folders that can't be read" in capsys.readouterr().out
        assert nca("backfill", "--missing", "--stale", "--set", "set1") == 0
        assert "nothing to do" in capsys.readouterr().out
        for first_key, last_key in asked:
            assert run_range(instance, first_key, last_key).success
        assert run_job(instance, "build_analytics").success
        reasons = dict(whole_table("SELECT partition_key, reason FROM stale_partitions", chain.data).iter_rows())
        assert reasons.keys() == set(KEYS)
        assert all(reason.startswith(f"can't read the folder {folder}: ") for reason in reasons.values())
        with dg.build_schedule_context(instance) as context:
            tick = top_up.evaluate_tick(context)
        assert not tick.run_requests
        assert tick.skip_message
        assert tick.skip_message.startswith("every readable partition is up to date: can't read the folder")
    assert take_overview(chain, instance).sets[0].stale == 0


def test_a_disk_that_fails_in_the_middle_of_a_tick_makes_nothing_missing(
    chain: Project, instance: dg.DagsterInstance
) -> None:
    assessed = assess_now(chain, instance)
    with loop(local(chain.data / "nca_dataset")):
        assert not {*KEYS}.intersection(pending_of(chain, assessed).missing)


def test_when_nothing_can_be_read_nothing_is_asked_for(chain: Project, instance: dg.DagsterInstance) -> None:
    for rollout_set in chain.sets.values():
        place = local(chain.data / rollout_set.folder)
        shutil.rmtree(place, ignore_errors=True)
        place.symlink_to(place)
    for name in ("labels", "curve_sums"):
        shutil.rmtree(local(chain.data / name))
    with dg.build_schedule_context(instance) as context:
        assert not top_up.evaluate_tick(context).run_requests
    assert take_overview(chain, instance).sets[0].stale == 2
