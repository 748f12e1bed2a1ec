"""A day in the UI, as docs/OPERATIONS.md tells it, in headless Chromium; its pictures are this test's.

``make screenshots`` runs it and keeps the pictures.
"""

import os
import re
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.end_to_end.conftest import Project, chromium_page, clone, graphql, keep_picture, user_interface

pytestmark = pytest.mark.long

MILLISECONDS = 180_000
"""To wait for a run; the daemon looks for backfills every 30 s."""


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium_page() as opened:
        yield opened


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = clone(tmp_path / "clone", NCA_SHARD_SIZE="64", NCA_SHARDS_PER_SET="8", NCA_SHARDS_PER_RUN="8")
    imported = project.nca("import", "centroids", str(GOLDEN / "centroids.pt"))
    assert imported.returncode == 0, imported.stderr
    return project


Snap = Callable[[str], None]


@pytest.fixture
def snap(page: Page, tmp_path: Path) -> Snap:
    """Takes a picture of the page."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))

    def take(name: str) -> None:
        page.wait_for_timeout(1000)  # until what moves has settled
        keep_picture(page, folder / f"{name}.png")

    return take


def test_a_day_in_the_ui(page: Page, project: Project, snap: Snap) -> None:
    with user_interface(project) as address:
        see_the_graph(page, address, snap)
        materialize_one_partition(page, address, snap)
        backfill_a_range(page, address, snap)
        look_at_the_checks(page, address, project, snap)
        cancel_a_run(page, address)
        switch_the_schedule_on(page, address, snap)


def see_the_graph(page: Page, address: str, snap: Snap) -> None:
    page.goto(f"{address}/asset-groups")
    for group in (
        "vocabulary",
        "rollouts",
        "labels",
        "imported",
        "tracking",
        "analytics",
        "collections",
        "tasks",
        "figures",
        "publishing",
    ):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    page.goto(f"{address}/assets/rollout_shards?view=lineage")
    expect(page.get_by_text("token_frequency").first).to_be_visible()
    snap("graph")


def materialize_one_partition(page: Page, address: str, snap: Snap) -> None:
    page.goto(f"{address}/assets/rollout_shards?view=overview")
    expect(page.get_by_role("link", name="docs/SPEC.md")).to_be_visible()
    expect(page.get_by_text("nca-assets", exact=True).first).to_be_visible()
    choose_partitions(page, ["set1-00002"])
    snap("dialog")
    page.get_by_role("button", name=re.compile("Launch 1 run")).click()
    follow_the_notification(page)
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=MILLISECONDS)
    snap("run")
    page.goto(f"{address}/assets/rollout_shards?view=partitions&partition=set1-00002")
    expect(page.get_by_text("tokens per second")).to_be_visible()
    page.get_by_text("[Show Markdown]").click()
    sheet = page.locator("img[src^='data:image/png']")
    expect(sheet).to_be_visible()
    assert sheet.evaluate("picture => picture.naturalWidth") > 100
    snap("partition")
    page.goto(f"{address}/assets/rollout_shards?view=checks")
    for check in ("tokens_in_range", "shard_reproduces", "rollouts_differ"):
        expect(page.get_by_text(check).first).to_be_visible()


def backfill_a_range(page: Page, address: str, snap: Snap) -> None:
    wanted = [f"set1-0000{number}" for number in range(3, 7)]
    page.goto(f"{address}/assets/rollout_shards?view=partitions")
    choose_partitions(page, wanted)
    page.get_by_role("button", name=re.compile("Launch backfill")).click()
    follow_the_notification(page)
    # A column is called so too.
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(2, timeout=MILLISECONDS)
    snap("backfill")
    stats = graphql(address, MATERIALIZED)["assetNodeOrError"]["assetPartitionStatuses"]
    assert stats["materializedPartitions"] == ["set1-00002", *wanted]
    page.goto(f"{address}/assets/rollout_shards?view=overview")
    page.get_by_role("button", name=re.compile("Plots")).click()
    expect(page.get_by_text("bytes per token").first).to_be_visible()
    snap("plots")


MATERIALIZED = """{ assetNodeOrError(assetKey: {path: ["rollout_shards"]}) { ... on AssetNode {
    assetPartitionStatuses { ... on DefaultPartitionStatuses { materializedPartitions } } } } }"""


def look_at_the_checks(page: Page, address: str, project: Project, snap: Snap) -> None:
    open_checks(page, address)
    expect(page.get_by_text("Passed (5)")).to_be_visible()
    page.get_by_role("button", name="Execute all").click()
    expect(page.get_by_role("region", name=re.compile("Notifications"))).to_contain_text("Launched")
    run = wait_for_the_newest_run(page, address)
    assert (run["status"], {step["status"] for step in run["stepStats"]}) == ("SUCCESS", {"SUCCESS"})
    (project.data / "nca_dataset" / "shard_00003.npz").unlink()
    assert project.nca("verify", "set1-00003").returncode == 1
    open_checks(page, address)
    expect(page.get_by_text("Passed (4)")).to_be_visible()
    expect(page.get_by_text("Failed (1)", exact=True)).to_be_visible()
    snap("checks")


def open_checks(page: Page, address: str) -> None:
    page.goto(f"{address}/assets/rollout_shards?view=checks&checkDetail=tokens_in_range")
    expect(page.get_by_text("Execution history")).to_be_visible()
    page.get_by_text("Partitions", exact=True).last.click()


def cancel_a_run(page: Page, address: str, tries: int = 5) -> None:
    """Midway through its partitions: no check is shown as skipped. One that ended too early is followed by another."""
    earlier = newest_run(address)["runId"]
    page.goto(f"{address}/assets/rollout_shards?view=partitions")
    choose_partitions(page, [f"set3-0000{number}" for number in range(8)])
    page.get_by_role("button", name=re.compile("Launch backfill")).click()
    run = wait_for_the_newest_run(page, address, {"STARTED"} | ENDED, earlier)
    graphql(address, CANCEL.format(run=run["runId"]))
    run = wait_for_the_newest_run(page, address)
    if run["status"] == "SUCCESS" and tries > 1:
        cancel_a_run(page, address, tries - 1)
        return
    assert run["status"] == "CANCELED"
    assert [step for step in run["stepStats"] if step["status"] == "SKIPPED"] == []


CANCEL = """mutation {{ terminateRun(runId: "{run}", terminatePolicy: SAFE_TERMINATE) {{ __typename }} }}"""

ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

NEWEST = """{ runsOrError(limit: 1) { ... on Runs { results { runId status stepStats { stepKey status } } } } }"""


def newest_run(address: str) -> dict[str, Any]:
    return graphql(address, NEWEST)["runsOrError"]["results"][0]


def wait_for_the_newest_run(
    page: Page, address: str, statuses: Set[str] = ENDED, earlier: str | None = None
) -> dict[str, Any]:
    for _ in range(MILLISECONDS // 200):
        page.wait_for_timeout(200)
        if (run := newest_run(address))["status"] in statuses and run["runId"] != earlier:
            return run
    raise AssertionError(f"no run is {statuses}")


def switch_the_schedule_on(page: Page, address: str, snap: Snap) -> None:
    page.goto(f"{address}/automation")
    row = page.get_by_text("top_up", exact=True).first
    expect(row).to_be_visible()
    switches = page.locator("label[class*=formatSwitch]")
    # The rows are in order of their names; default_automation_condition_sensor comes first.
    expect(switches).to_have_count(2)
    expect(switches.nth(1).locator("input")).to_be_enabled()
    switches.nth(1).click()
    expect(switches.nth(1).locator("input")).to_be_checked()
    snap("schedule")
    running = graphql(address, SCHEDULE)["scheduleOrError"]["scheduleState"]["status"]
    assert running == "RUNNING"


SCHEDULE = """{ scheduleOrError(scheduleSelector: {repositoryName: "__repository__",
    repositoryLocationName: "nca_assets", scheduleName: "top_up"}) {
    ... on Schedule { scheduleState { status } } } }"""


def choose_partitions(page: Page, keys: list[str]) -> None:
    """Open the dialog of the asset that is shown, and choose ``keys`` in it."""
    page.get_by_role("button", name=re.compile("Materialize…")).first.click()
    page.get_by_text("Select a partition or create one").click()
    for key in keys:
        page.get_by_placeholder("Filter partitions").fill(key)
        page.get_by_role("menuitem").filter(has_text=key).click()
    page.keyboard.press("Escape")


def follow_the_notification(page: Page) -> None:
    page.get_by_role("region", name=re.compile("Notifications")).get_by_role("link", name="View").click()
