"""Figures, explorer, card and published dataset as assets: shown with their materializations, fresh, and repeatable."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from PIL import Image

from nca_assets.cli.warehouse import illuminate
from nca_assets.errors import NcaError
from nca_assets.in_process import (
    Materialized,
    collect,
    draw_figures,
    materialize_chain,
    project_instance,
    publish_dataset,
)
from nca_assets.orchestration.assets.figures import FIGURE_KEYS
from nca_assets.project import Project
from nca_assets.publishing.checksums import check_published
from nca_assets_tests.conftest import local
from nca_assets_tests.orchestration.conftest import lasting_project
from nca_assets_tests.orchestration.test_chain import TABLE_KEYS, data_version, run_job

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(states: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with lasting_project(states("chain"), tmp_path_factory.mktemp("pictures")) as project:
        yield project


@pytest.fixture(scope="module")
def drawn(made: Project) -> dict[str, Materialized]:
    assert made
    return {done.asset: done for done in draw_figures()}


def picture_in(markdown: object) -> Image.Image:
    found = re.fullmatch(r"!\[\]\(data:image/(?:png|gif);base64,(.+)\)", str(markdown))
    assert found
    return Image.open(io.BytesIO(base64.b64decode(found[1])))


def test_each_figure_is_an_asset_that_shows_its_picture(drawn: dict[str, Materialized]) -> None:
    for key in FIGURE_KEYS.values():
        metadata = drawn[key.to_user_string()].metadata
        assert picture_in(metadata["figure"]).width > 600
        assert str(metadata["path"]).endswith(".png")


def test_explorer_and_card_are_written(drawn: dict[str, Materialized], made: Project) -> None:
    assert drawn["explorer"].metadata["dagster/row_count"] == 8
    assert made.data.explorer_file.stat().st_size == drawn["explorer"].metadata["bytes"]
    shown = str(drawn["dataset_card"].metadata["card"])
    assert shown.startswith("# Random NCA rollouts")
    assert made.data.card_file.read_text().endswith(shown)


def test_drawn_again_nothing_changes(drawn: dict[str, Materialized], made: Project) -> None:
    assert drawn
    keys = [*FIGURE_KEYS.values(), dg.AssetKey("explorer"), dg.AssetKey("dataset_card")]
    with project_instance() as instance:
        before = {key: data_version(instance, key) for key in keys}
        draw_figures()
        assert {key: data_version(instance, key) for key in keys} == before
    assert made


def test_the_dataset_is_published(drawn: dict[str, Materialized], made: Project) -> None:
    assert drawn
    [done] = publish_dataset()
    assert done.metadata["files"] == len([f for f in local(made.data.published_folder).rglob("*") if f.is_file()])
    assert check_published(made.data.published_folder) == []


def test_a_collection_shows_its_rollouts(made: Project) -> None:
    assert made
    metadata = collect("shown", {"query": "SELECT rollout_id FROM labels"})
    assert picture_in(metadata["contact sheet"]).width > 100
    assert picture_in(metadata["animation"]).n_frames == 24  # pyright: ignore[reportAttributeAccessIssue]


def test_an_illuminated_collection_is_drawn_on_its_grid(
    made: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[dict[str, Any]] = []

    def collected(name: str, config: dict[str, object]) -> dict[str, Any]:
        shown.append(collect(name, config))
        return shown[-1]

    monkeypatch.setattr("nca_assets.in_process.collect", collected)
    illuminate("varied", size=3, axes="tail_change,domains")
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{made.data / 'collections' / 'varied' / 'v0001.parquet'}: version 1, 3 rollouts"
    assert re.fullmatch(r"3 cells filled of \d that hold any; as many rollouts at random: [123]", second)
    assert shown[0]["sampling"] == "3 over the grid of tail_change, domains"
    assert picture_in(shown[0]["grid"]).width > 600
    with Image.open(local(made.data.figure_file("illuminated_varied", "png"))) as figure:
        assert figure.width == 2100


def test_a_failure_is_one_line(project: Project) -> None:
    with pytest.raises(NcaError, match=r"nca\.duckdb is missing: materialize the 'analytics' assets"):
        draw_figures()
    assert not (project.data / "figures").exists()


def test_pictures_follow_the_tables(project: Project, instance: dg.DagsterInstance) -> None:
    from nca_assets.definitions import defs

    assert project
    keys = [*FIGURE_KEYS.values(), dg.AssetKey("explorer"), dg.AssetKey("dataset_card")]
    selection = dg.AssetSelection.assets(*keys, *TABLE_KEYS)
    cursor = None

    def asked() -> set[dg.AssetKey]:
        nonlocal cursor
        result = dg.evaluate_automation_conditions(defs, instance, asset_selection=selection, cursor=cursor)
        cursor = result.cursor
        return {key for key in keys if result.get_num_requested(key)}

    list(materialize_chain(["set1-00000"]))
    asked()
    assert run_job(instance, "build_analytics").success
    assert asked() == set(keys)
    assert asked() == set()
