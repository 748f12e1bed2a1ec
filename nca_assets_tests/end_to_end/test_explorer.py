"""The explorer in a real browser, from a file: it computes real rollouts, and works for every reader."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from nca_assets.automaton.compiled import simulate
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.automaton.shape import draw_shape
from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.explorer.page import write_explorer
from nca_assets.explorer.selection import explored
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.settings import Resources, load
from nca_assets.shards.imported import register, shard_keys
from nca_assets.shards.manifest import rollout_digest
from nca_assets.shards.write import write_shard
from nca_assets.vocabulary.centroids import load_centroids, read_centroids, save_centroids
from nca_assets.warehouse.answer import whole_table
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import freeze, read_collection
from nca_assets.warehouse.illumination import Illumination
from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.end_to_end.conftest import chromium_page, keep_picture
from nca_assets_tests.labels import movies

pytestmark = pytest.mark.slow

expect.set_options(timeout=30_000)

SHARDS = [ShardKey("set1", 0), ShardKey("set1", 9), ShardKey("set2", 4), ShardKey("set3", 7)]


def made(folder: Path, keys: list[ShardKey], shard_size: int) -> DataFolder:
    """Labelled shards of 500 frames, with a warehouse, and an imported rollout."""
    data, resources = (
        DataFolder.create(folder / "data", Shape(shard_size=shard_size, sets=card_sets(500))),
        load(Resources),
    )
    centroids = read_centroids(GOLDEN / "centroids.pt")
    save_centroids(centroids, data, "learned")
    for key in keys:
        write_shard(key, centroids, data, resources)
        write_labels(key, data, resources)
    (folder / "others").mkdir()
    np.savez(folder / "others" / "life.npz", noise=movies.noise(), allow_pickle=False)
    for key, file in shard_keys(folder / "others", "life", data).items():
        register(key, file, data)
        write_labels(key, data, resources)
    build_warehouse(data)
    freeze("varied", "SELECT rollout_id FROM labels", data, Illumination(9))
    build_warehouse(data, only=["collections", "collection_rollouts"])
    return data


@contextmanager
def opened(source: RolloutSource, folder: Path, browser: Browser) -> Iterator[Page]:
    """The page of ``source`` in a browser; it must say nothing on the console, and ask for nothing."""
    file = folder / "explorer.html"
    write_explorer(source, file)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.locator("body[data-ready-ms]").wait_for()
    yield page
    assert said == []
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {file.as_uri()}
    page.close()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return made(tmp_path_factory.mktemp("explored"), SHARDS, shard_size=16)


@pytest.fixture(scope="module")
def source(data: DataFolder) -> RolloutSource:
    return explored(data)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium_page() as page:
        assert page.context.browser
        yield page.context.browser


@pytest.fixture(scope="module")
def opened_once(source: RolloutSource, tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Page]:
    with opened(source, tmp_path_factory.mktemp("page"), browser) as page:
        yield page


@pytest.fixture
def page(opened_once: Page) -> Page:
    """The page as it opens, on a wide and light screen."""
    opened_once.set_viewport_size({"width": 1280, "height": 800})
    opened_once.emulate_media(color_scheme="light", reduced_motion="no-preference")
    opened_once.evaluate("history.replaceState(null, '', '#')")
    opened_once.reload()
    opened_once.locator("body[data-ready-ms]").wait_for()
    return opened_once


def milliseconds_to_open(page: Page) -> float:
    page.reload()
    page.locator("body[data-ready-ms]").wait_for()
    return float(page.locator("body").get_attribute("data-ready-ms") or "nan")


def show(page: Page, name: str) -> None:
    page.get_by_label("Rollout", exact=True).fill(name)
    page.keyboard.press("Enter")


def digest_of(page: Page, name: str) -> str:
    """The digest that the page computes of a rollout."""
    show(page, name)
    expect(page.locator("#title")).to_have_text(name)
    page.wait_for_function("() => stage.original.digest")
    digest = page.evaluate("stage.original.digest")
    expect(page.locator("#digest")).to_have_text(digest)
    return digest


def frames_of(page: Page, run: str, frames: int) -> np.ndarray:
    """The first tokens of one of the page's runs: (frames, cells)."""
    page.wait_for_function(f"() => stage.{run}.frames.length >= {frames}")
    text = page.evaluate(
        f"stage.{run}.frames.slice(0, {frames}).map(f => String.fromCharCode(...f.map(token => token + 48))).join('')"
    )
    return np.frombuffer(text.encode(), np.uint8).reshape(frames, -1) - 48


def selected(page: Page) -> set[str]:
    return set(page.evaluate("passing.map(({ name }) => name)"))


def by_sql(page: Page, source: RolloutSource) -> set[str]:
    """The rollouts of the page that the SQL it offers selects from the warehouse."""
    query = page.locator("#sql").inner_text()
    return set(whole_table(query, source.data)["rollout_id"]) & set(source.table["rollout_id"])


def one_of_each(table: pl.DataFrame, column: str) -> dict[str, str]:
    """Names and digests of a rollout of each family or class."""
    firsts = table.filter(pl.col("family").is_not_null()).group_by(column, maintain_order=True).first()
    return dict(firsts.select("rollout_id", "digest").iter_rows())


def test_it_opens_on_a_rollout_that_plays(page: Page, source: RolloutSource) -> None:
    print(f"the first picture was there after {page.locator('body').get_attribute('data-ready-ms')} ms")
    expect(page.locator("#count")).to_contain_text(f"{len(source)} rollouts")
    expect(page.locator("#proof .equal")).to_be_visible()
    colors = page.locator("#grid").evaluate(
        "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    )
    assert colors > 1
    expect(page.locator("#frame")).not_to_have_text("frame 0")
    expect(page.locator(".card[aria-current]")).to_be_in_viewport()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_it_opens_on_one_of_each_class(page: Page, source: RolloutSource) -> None:
    shown = page.locator(".card .what").all_inner_texts()
    classes = set(source.table["behavior"])
    assert set(shown[: len(classes)]) == classes


def test_digests_are_those_of_the_manifests(page: Page, source: RolloutSource) -> None:
    chosen = list(one_of_each(source.table, "family").items())[:5]
    assert len(chosen) == 5
    for name, digest in chosen:
        assert digest_of(page, name) == digest
        expect(page.locator("#proof")).to_contain_text("Equal to the digest in the manifest of its shard")


def test_any_rollout_follows_from_its_name(page: Page, source: RolloutSource) -> None:
    tokens = simulate(draw_rule(Population(3), 123456), load_centroids(source.data), 500)
    assert digest_of(page, "set3/123456") == rollout_digest(tokens)
    expect(page.locator("#proof")).to_contain_text("Not labeled here")
    page.get_by_text("Labels", exact=True).click()
    expect(page.locator("#label-table")).to_contain_text("nca materialize set3-07716")


def test_a_rollout_goes_on_after_its_last_frame(page: Page, source: RolloutSource) -> None:
    name = source.table.filter(set_name="set1")["rollout_id"][0]
    show(page, name)
    page.get_by_label("Frame", exact=True).fill("499")
    page.get_by_label("Frames per second").select_option("60")
    page.wait_for_function("() => stage.frame > 505")
    page.get_by_role("button", name="Pause").click()
    tokens = simulate(source.data.rule("set1", int(name.removeprefix("set1/"))), load_centroids(source.data), 505)
    np.testing.assert_array_equal(frames_of(page, "original", 505)[500:], tokens.reshape(505, -1)[500:])


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("spiral", "“spiral” names no rollout: write a set and a number, like set1/000017."),
        ("set9/000001", "There is no set9 in this dataset: it has set1, set2, set3."),
        ("set1/4294967296", "set1 ends with set1/4294967295: write a smaller number."),
        ("life/000007", "life/000007 is not in this page: imported rollouts have no recipe to compute them from."),
    ],
)
def test_a_name_without_a_rollout_is_explained(page: Page, name: str, answer: str) -> None:
    before = page.locator("#title").inner_text()
    show(page, name)
    expect(page.get_by_role("alert")).to_have_text(answer)
    expect(page.locator("#title")).to_have_text(before)
    show(page, "set1/4294967295")
    expect(page.get_by_role("alert")).to_have_text("")


def test_another_vocabulary_is_noticed(source: RolloutSource, tmp_path: Path, browser: Browser) -> None:
    """Shards made with another vocabulary have digests other than the page computes."""
    others = RolloutSource(source.table.with_columns(digest=pl.lit("0" * 64)), source.reader, source.data)
    with opened(others, tmp_path, browser) as page:
        expect(page.locator("#proof .unequal")).to_be_visible()
        expect(page.locator("#proof")).to_contain_text("made with another vocabulary or recipe than this page has")


def test_an_imported_rollout_shows_its_frames(page: Page) -> None:
    show(page, "life/000000")
    expect(page.locator("#proof")).to_contain_text("An imported rollout: its first 96 frames are in this page.")
    np.testing.assert_array_equal(frames_of(page, "original", 96), movies.noise()[:96].reshape(96, -1) % 32)
    expect(page.get_by_role("button", name="Other noise")).to_be_hidden()


def test_a_click_flips_cells_and_the_damage_spreads(page: Page, source: RolloutSource) -> None:
    [name] = source.table.filter(pl.col("set_name") == "set1").sort("damage", descending=True)["rollout_id"][:1]
    page.get_by_role("button", name="Pause").click()
    show(page, name)
    page.get_by_label("Frame", exact=True).fill("30")
    page.get_by_text("frame 30", exact=True).wait_for()
    height, width = page.evaluate("[stage.original.height, stage.original.width]")
    box = page.locator("#grid").bounding_box()
    assert box
    y, x = height // 2, width // 2
    page.mouse.click(box["x"] + box["width"] * (x + 0.5) / width, box["y"] + box["height"] * (y + 0.5) / height)
    expect(page.get_by_role("button", name="Difference")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#effect")).to_contain_text("1 flip, the last at frame 30. At frame 30, ")
    rule, centroids = source.data.rule("set1", int(name.removeprefix("set1/"))), load_centroids(source.data)
    expected = simulate(rule, centroids, 120, flip=Flip(30, y, x)).reshape(120, -1)
    np.testing.assert_array_equal(frames_of(page, "changed", 120), expected)
    differing = 100 * (expected[110] != simulate(rule, centroids, 111)[110].ravel()).mean()
    page.get_by_label("Frame", exact=True).fill("110")
    expect(page.locator("#effect")).to_contain_text(f"At frame 110, {differing:.{0 if differing >= 10 else 1}f} % of")
    page.wait_for_function("() => location.hash.includes('flip=30.')")
    page.get_by_role("button", name="Undo all").click()
    expect(page.locator("#compare")).to_be_hidden()


def test_other_noise_and_another_start(page: Page, source: RolloutSource) -> None:
    centroids = load_centroids(source.data)
    page.evaluate("location.hash = 'set1/000036?noise=7'")
    expect(page.locator("#effect")).to_contain_text("The noise of set1/000007.")
    rule = draw_rule(Population(1), 36)
    before = simulate(rule, centroids, 20).reshape(20, -1)
    changed = frames_of(page, "changed", 20)
    np.testing.assert_array_equal(changed[0], before[0])
    assert (changed[19] != before[19]).any()
    page.get_by_role("button", name="Undo all").click()
    page.get_by_role("button", name="Other start").click()
    assert (frames_of(page, "changed", 1)[0] != before[0]).any()
    page.get_by_role("button", name="No noise").click()
    expect(page.locator("#effect")).to_contain_text("no noise")
    np.testing.assert_array_equal(frames_of(page, "original", 20), before)


def test_an_address_typed_while_the_page_names_the_rollout_shown_is_opened(page: Page) -> None:
    page.evaluate("location.hash = 'set1/000036?noise=7'; history.replaceState(null, '', '#set2/000069')")
    expect(page.locator("#effect")).to_contain_text("The noise of set1/000007.")
    page.wait_for_url("**#set1/000036?noise=7")


def test_it_filters(page: Page, source: RolloutSource) -> None:
    labels = source.table
    behavior, family = labels["behavior"].mode()[0], labels.drop_nulls("family")["family"].mode()[0]
    page.get_by_role("button", name=re.compile(f"^{behavior}")).first.click()
    page.get_by_text("More filters").click()
    page.locator(f"#by-family [data-value={family}]").click()
    expected = labels.filter(behavior=behavior, family=family)
    assert 0 < len(expected) < len(labels)
    expect(page.locator("#count")).to_have_text(f"{len(expected)} of {len(labels)} rollouts")
    assert selected(page) == set(expected["rollout_id"]) == by_sql(page, source)
    page.get_by_label("Across the map").select_option("height")
    page.get_by_label("Across: to").fill("3")
    expect(page.get_by_text("No rollout meets all of these filters.")).to_be_visible()
    page.locator("#reset").click()
    page.get_by_label("Order by").select_option("token_entropy")
    first = page.locator(".card b").first.inner_text()
    assert first == labels.sort("token_entropy", descending=True)["rollout_id"][0]


def test_a_collection_is_shown_among_the_others_on_the_map(page: Page, source: RolloutSource, data: DataFolder) -> None:
    page.get_by_role("button", name="Map").click()
    page.get_by_text("More filters").click()
    page.get_by_label("Across the map").select_option("tail_change")
    page.get_by_label("Up the map").select_option("domains")
    page.locator("#by-collection [data-value=varied]").click()
    expect(page.locator("#count")).to_have_text(f"9 of {len(source)} rollouts")
    expect(page.locator("#map")).to_have_attribute("aria-label", re.compile("^9 rollouts as points"))
    page.get_by_role("button", name="Gallery").click()
    assert selected(page) == set(read_collection("varied", data).rollouts) == by_sql(page, source)


def test_brushing_the_map_selects(page: Page, source: RolloutSource) -> None:
    page.get_by_role("button", name="Map").click()
    box = page.locator("#map").bounding_box()
    assert box
    x, y, width, height = (box[name] for name in ("x", "y", "width", "height"))
    page.mouse.move(x + 0.1 * width, y + 0.1 * height)
    page.mouse.down()
    page.mouse.move(x + 0.5 * width, y + 0.6 * height)
    page.mouse.up()
    chosen = selected(page)
    assert 0 < len(chosen) < len(source)
    ends = [
        float(page.get_by_label(f"{axis}: {end}").input_value()) for axis in ("Across", "Up") for end in ("from", "to")
    ]
    inside = source.table.filter(
        pl.col("tail_change").is_between(ends[0], ends[1]) & pl.col("traveling").is_between(ends[2], ends[3])
    )
    assert chosen == set(inside["rollout_id"]) == by_sql(page, source)
    page.get_by_role("button", name="Copy SQL").click()
    expect(page.get_by_text("Copied")).to_be_visible()


def test_a_click_on_a_point_opens_its_rollout(page: Page) -> None:
    page.get_by_role("button", name="Map").click()
    box = page.locator("#map").bounding_box()
    x, y = page.evaluate("(() => { const { x, y } = map.points.find(point => point.kept); return [x, y]; })()")
    assert box
    page.mouse.move(box["x"] + x, box["y"] + y)
    expect(page.locator("#tip")).to_be_visible()
    named = page.locator("#tip b").inner_text()
    page.mouse.click(box["x"] + x, box["y"] + y)
    expect(page.locator("#title")).to_have_text(named)


def test_it_obeys_keys(page: Page) -> None:
    names = page.evaluate("gallery.shown.map(({ name }) => name)")
    title = page.locator("#title")
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text(names[1])
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text(names[-1])
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.locator("#grid").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator("#flip-help")).to_contain_text("Row 2, column 3: press Enter")
    expect(title).to_have_text(names[-1])
    if not names[-1].startswith("life"):
        page.keyboard.press("Enter")
        assert page.evaluate("stage.scenario.flips.map(({ y, x }) => [y, x])") == [[1, 2]]


def test_it_holds_still_for_readers_who_want_that(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.locator("body[data-ready-ms]").wait_for()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.locator("#frame")).to_have_text("frame 0")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.get_by_text("More filters").click()
    page.get_by_text("Labels", exact=True).click()
    sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(sideways)
    page.get_by_role("button", name="Map").click()
    page.get_by_role("button", name="Other noise").click()
    assert not page.evaluate(sideways)
    scale = "c => [c.clientWidth / c.width, c.clientHeight / c.height]"
    across, down = page.locator("#grid").evaluate(scale)
    assert across == down == int(across) >= 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") < "rgb(2"
    assert dark == (scheme == "dark")
    page.get_by_text("More filters").click()
    page.get_by_text("Labels", exact=True).click()
    page.locator("#by-behavior button").first.click()
    show(page, "spiral")
    require_accessible(page)
    page.get_by_role("button", name="Map").click()
    page.get_by_role("button", name="Other noise").click()
    require_accessible(page)


def require_accessible(page: Page) -> None:
    violations = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["impact"], [node["html"] for node in fault["nodes"]]) for fault in violations] == []


@pytest.mark.long
def test_fifty_rollouts_of_all_families(tmp_path: Path, browser: Browser) -> None:
    """512 rollouts in the page: its size, the time to open it, and its speed; 50 digests."""
    data = made(tmp_path, [ShardKey(f"set{number % 2 + 1}", number) for number in range(8)], shard_size=64)
    source = explored(data, most=500)
    with opened(source, tmp_path, browser) as page:
        assert (tmp_path / "explorer.html").stat().st_size < 2_000_000
        ready = min(milliseconds_to_open(page) for _ in range(3))
        families = one_of_each(source.table, "family")
        assert len(families) == 14
        others = source.table.filter(pl.col("family").is_not_null() & ~pl.col("rollout_id").is_in(list(families)))
        chosen = families | dict(others.sample(36, seed=0).select("rollout_id", "digest").iter_rows())
        assert len(chosen) == 50
        assert {name: digest_of(page, name) for name in chosen} == chosen
        block = next(block for block in count() if draw_shape(Population(1), 32 * block) == (48, 48))
        digest_of(page, f"set1/{32 * block:06d}")
        said = re.search(r"computed, ([\d,]+) a second", page.locator("#proof").inner_text())
        assert said
        rate = int(said[1].replace(",", ""))
        print(f"opened after {ready:.0f} ms; {rate} frames of 48 x 48 a second")
        assert rate >= 60
        assert ready < 1000
        if folder := os.environ.get("SCREENSHOTS"):
            show(page, page.locator(".card b").first.inner_text())
            page.get_by_role("button", name="Pause").click()
            page.get_by_label("Frame", exact=True).fill("140")
            page.locator("body[data-thumbs-ms]").wait_for()
            keep_picture(page, Path(folder) / "explorer.png", colors=256)
