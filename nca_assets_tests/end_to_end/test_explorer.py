"""The explorer in a real browser, with 500 real rollouts, from a file."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.explorer.page import write_explorer
from nca_assets.explorer.selection import explored
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.settings import Resources, load
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import read_centroids, save_centroids
from nca_assets.warehouse.build import build_warehouse
from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.end_to_end.conftest import chromium_page, keep_picture

pytestmark = pytest.mark.slow

SECONDS_TO_OPEN = 2
MOST_BYTES = 25_000_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RolloutSource:
    folder, resources = tmp_path_factory.mktemp("explored") / "data", load(Resources)
    data = DataFolder.create(folder, Shape(shard_size=64, sets=card_sets(frames=500)))
    centroids = read_centroids(GOLDEN / "centroids.pt")
    save_centroids(centroids, data, "learned")
    for number in range(8):
        key = ShardKey(f"set{number % 2 + 1}", number)
        write_shard(key, centroids, data, resources)
        write_labels(key, data, resources)
    build_warehouse(data)
    return explored(data)


@pytest.fixture(scope="module")
def page(source: RolloutSource, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    file = tmp_path_factory.mktemp("page") / "explorer.html"
    written = write_explorer(source, file)
    assert written.rollouts == 500
    assert written.bytes < MOST_BYTES
    with chromium_page() as opened:
        said: list[str] = []
        asked: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(file.as_uri())
        yield opened
        assert said == []
        assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {file.as_uri()}


def card(page: Page, source: RolloutSource, position: int) -> Locator:
    labels = source.table.row(position, named=True)
    return page.get_by_role("button", name=f"{labels['rollout_id']}, {labels['behavior']}", exact=True)


def test_it_opens_at_once(page: Page) -> None:
    body = page.locator("body[data-ready-ms]")
    body.wait_for()
    milliseconds = float(body.get_attribute("data-ready-ms") or "nan")
    print(f"the first thumbnails were there after {milliseconds:.0f} ms")
    assert milliseconds < 1000 * SECONDS_TO_OPEN
    expect(page.get_by_role("status")).to_have_text("500 of 500 rollouts")
    colors = page.locator(".card canvas").first.evaluate(
        "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    )
    assert colors > 1
    assert page.locator("#grid").evaluate("grid => grid.scrollWidth === grid.clientWidth")
    if folder := os.environ.get("SCREENSHOTS"):
        page.get_by_role("button", name=re.compile("^set.*, radiating$")).first.click()
        page.get_by_label("Frame", exact=True).fill("95")
        page.wait_for_timeout(500)
        keep_picture(page, Path(folder) / "explorer.png", colors=256)


def test_it_opens_on_one_of_each_class(page: Page, source: RolloutSource) -> None:
    names = [label.split(", ")[1] for label in page.locator(".card").evaluate_all("c => c.map(x => x.ariaLabel)")]
    classes = set(source.table["behavior"])
    assert set(names[: len(classes)]) == classes


def test_it_filters(page: Page, source: RolloutSource) -> None:
    labels = source.table
    expected = labels.filter(behavior="radiating")
    for behavior in set(labels["behavior"]) - {"radiating"}:
        page.get_by_role("button", name=re.compile(f"^{behavior}, ")).first.click()
    status = page.get_by_role("status")
    expect(status).to_have_text(f"{len(expected)} of 500 rollouts")
    page.get_by_label("Longer side at most").fill("24")
    page.get_by_label("Period at most").fill("30")
    page.get_by_label("Entropy at least").fill("2")
    by_hand = expected.filter(
        (expected["height"] <= 24) & (expected["width"] <= 24) & (expected["period"] <= 30)
        & (expected["token_entropy"] >= 2)
    )  # fmt: skip
    assert 1 < len(by_hand) < len(expected)
    expect(status).to_have_text(f"{len(by_hand)} of 500 rollouts")
    names = [re.sub(r",.*", "", card.get_attribute("aria-label") or "") for card in page.locator(".card").all()]
    assert sorted(names) == by_hand["rollout_id"].to_list()
    page.get_by_label("Order by").select_option("token_entropy")
    first = page.locator(".card").first.get_attribute("aria-label") or ""
    assert first.startswith(by_hand.sort("token_entropy")["rollout_id"][0])
    page.get_by_label("Name contains").fill("no such rollout")
    expect(page.get_by_text("No rollout meets all of these filters.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(status).to_have_text("500 of 500 rollouts")


def test_it_plays(page: Page, source: RolloutSource) -> None:
    page.get_by_label("Order by").select_option("rollout_id")
    chosen = source.table.row(5, named=True)
    card(page, source, 5).click()
    details = page.get_by_label("Selected rollout")
    expect(details.get_by_role("heading", name=chosen["rollout_id"])).to_be_visible()
    expect(details.get_by_text("frame 0", exact=True)).to_be_visible()
    expect(details.get_by_role("row", name=re.compile("^digest")).get_by_text(chosen["digest"])).to_be_attached()
    pixels = "c => c.toDataURL()"
    before = page.locator("#player").evaluate(pixels)
    page.get_by_role("button", name="Play").click()
    expect(details.get_by_text("frame 0", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Frame", exact=True).fill("95")
    expect(details.get_by_text("frame 499", exact=True).first).to_be_visible()
    assert page.locator("#player").evaluate(pixels) != before
    page.get_by_label("gray").check()
    assert page.locator("#player").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.every("
        "(v, i, all) => i % 4 || (v === all[i + 1] && v === all[i + 2]))"
    )
    page.get_by_role("button", name="Next rollout").click()
    expect(details.get_by_role("heading", name=source.table["rollout_id"][6])).to_be_visible()
    expect(page).to_have_url(re.compile(f"#{source.table['rollout_id'][6]}$"))


def test_one_click_chooses_a_class_alone(page: Page, source: RolloutSource) -> None:
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("button", name="Only noisy").click()
    count = source.table["behavior"].eq("noisy").sum()
    expect(page.get_by_role("status")).to_have_text(f"{count} of 500 rollouts")
    expect(page.get_by_role("button", name=re.compile("^noisy, "), pressed=True)).to_have_count(1)
    expect(page.get_by_role("button", name=re.compile("^quiet, "), pressed=False)).to_have_count(1)
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_role("status")).to_have_text("500 of 500 rollouts")


def test_it_obeys_keys(page: Page, source: RolloutSource) -> None:
    page.get_by_label("Order by").select_option("rollout_id")
    names = source.table["rollout_id"]
    title = page.get_by_label("Selected rollout").get_by_role("heading")
    card(page, source, 8).click()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(title).to_have_text(names[13])
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text(names[12])
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_label("Frame", exact=True).focus()
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    behavior = page.get_by_role("button", name=re.compile("^noisy, "))
    behavior.press(" ")
    expect(behavior).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.get_by_role("button", name="Show all").click()


def test_the_address_names_the_rollout(page: Page, source: RolloutSource) -> None:
    named = source.table.row(-1, named=True)["rollout_id"]
    title = page.get_by_label("Selected rollout").get_by_role("heading")
    page.evaluate("name => { location.hash = name; }", named)
    expect(title).to_have_text(named)
    page.reload()
    expect(title).to_have_text(named)
    expect(page.locator(".card[aria-current]")).to_be_in_viewport()


def test_the_last_click_wins(page: Page, source: RolloutSource) -> None:
    names = source.table["rollout_id"]
    page.reload()
    card(page, source, 250).wait_for()
    page.evaluate(
        "cards => cards.forEach(card => card.click())",
        [card(page, source, position).element_handle() for position in (250, 499)],
    )
    title = page.get_by_label("Selected rollout").get_by_role("heading")
    page.wait_for_timeout(500)
    expect(title).to_have_text(names[-1])
