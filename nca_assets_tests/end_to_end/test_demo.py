"""What a newcomer does: make demo, then make ui, then the same shards again, at the real settings."""

import base64
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nca_assets.data_folder import DataFolder
from nca_assets.figures.catalog import FIGURES
from nca_assets.vocabulary.centroids import digest, load_centroids
from nca_assets.warehouse.catalog import TABLES
from nca_assets.warehouse.read import connect
from nca_assets_tests.conftest import local
from nca_assets_tests.end_to_end.conftest import NCA, Project, clone, graphql, user_interface

pytestmark = pytest.mark.slow

SHARDS = ["set1-00000", "set1-00001"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return clone(tmp_path_factory.mktemp("demo") / "clone")


@pytest.fixture(scope="module")
def demo(project: Project) -> str:
    """What ``make demo`` prints."""
    done = project.run("make", "demo")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def address(project: Project, demo: str) -> Iterator[str]:
    assert demo
    with user_interface(project) as found:
        yield found


def test_the_demo_ends_with_behaviors_and_the_comparison_with_the_card(demo: str) -> None:
    assert demo.index("materialized rollout_shards set1-00001") < demo.index("materialized analytics/labels")
    behaviors, comparison = demo.split("behavior ")[-1], demo.split("statistic ")[-1]
    assert re.search(r"noisy .*\d", behaviors)
    assert re.search(r"rollouts +count +5M\+ +128 ", comparison)
    assert re.search(r"cells changed, t48 to t112 +% +83\.01 +\d\d\.\d+ +78 to 87 +(yes|no)", comparison)


def test_it_learns_the_golden_vocabulary(project: Project, demo: str, centroids: torch.Tensor) -> None:
    assert demo
    assert digest(load_centroids(DataFolder.open(project.data))) == digest(centroids)


def test_the_data_is_at_the_real_settings(project: Project, demo: str) -> None:
    assert demo
    with np.load(project.data / "nca_dataset" / "shard_00000.npz", allow_pickle=False) as shard:
        assert len(shard) == 64
        assert shard["rollout_000000"].shape == (500, 8, 8)
    with connect(DataFolder.open(project.data)) as connection:
        assert connection.execute("SELECT count(*), min(frames) FROM labels").fetchall() == [(128, 500)]


def test_there_are_pictures_to_look_at(project: Project, demo: str) -> None:
    assert f"{project.data.relative_to(project.folder)}/explorer.html: " in demo
    data = DataFolder.open(project.data)
    for figure in FIGURES:
        with Image.open(local(figure.file("png", data))) as picture:
            assert picture.width > 600
    card = (project.data / "dataset_card.md").read_text()
    assert re.search(r"\b128\b", card)


def test_the_ui_says_where_it_is_and_nothing_else(project: Project, address: str) -> None:
    deadline = time.monotonic() + 10
    while not (said := (project.folder / "ui.log").read_text()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert said == f"Dagster's UI: {address} (Ctrl-C ends it)\n"


def test_a_port_that_is_taken_is_one_line(project: Project, address: str) -> None:
    port = address.rsplit(":", 1)[1]
    done = project.run(NCA, "ui", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"nca: can't listen on port {port} \(.+\): .* --port\n", done.stderr)


def test_the_ui_shows_the_graph(address: str) -> None:
    nodes = graphql(address, "{ assetNodes { assetKey { path } dependencyKeys { path } groupName kinds } }")[
        "assetNodes"
    ]
    keys = {"/".join(node["assetKey"]["path"]): node for node in nodes}
    chain = {"centroids", "rollout_shards", "behavior_labels", "data_state", *(f"analytics/{t.name}" for t in TABLES)}
    others = {"imported_shards", "imported_labels", "collections", "long_horizon_baselines"}
    seen = {*(f"figures/{figure.name}" for figure in FIGURES), "explorer", "dataset_card", "published_dataset"}
    assert set(keys) == chain | others | seen
    assert keys["behavior_labels"]["dependencyKeys"] == [{"path": ["centroids"]}, {"path": ["rollout_shards"]}]


def test_the_ui_shows_the_demos_materializations_with_their_pictures(address: str) -> None:
    query = """{ assetNodeOrError(assetKey: {path: ["rollout_shards"]}) { ... on AssetNode {
        assetMaterializations { partition metadataEntries { label ... on MarkdownMetadataEntry { mdStr } } }
        partitionStats { numMaterialized numPartitions }
    } } }"""
    node = graphql(address, query)["assetNodeOrError"]
    assert node["partitionStats"] == {"numMaterialized": 2, "numPartitions": 90}
    shown = {m["partition"]: m["metadataEntries"] for m in node["assetMaterializations"]}
    assert set(shown) == set(SHARDS)
    for entries in shown.values():
        [markdown] = [entry["mdStr"] for entry in entries if entry["label"] == "contact sheet"]
        encoded = re.fullmatch(r"!\[\]\(data:image/png;base64,(.+)\)", markdown)
        assert encoded
        picture = Image.open(io.BytesIO(base64.b64decode(encoded[1])))
        assert picture.width > 200


def test_nothing_is_stale_after_the_demo(address: str) -> None:
    nodes = graphql(address, "{ assetNodes { assetKey { path } isPartitioned staleStatus } }")["assetNodes"]
    whole = {"/".join(n["assetKey"]["path"]): n["staleStatus"] for n in nodes if not n["isPartitioned"]}
    # The demo trains no models and publishes nothing.
    assert whole.pop("long_horizon_baselines") == whole.pop("published_dataset") == "MISSING"
    assert set(whole.values()) == {"FRESH"}, whole


def test_the_ui_listens_on_loopback_alone(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = {line.split()[1] for line in listening if line.split()[3] == "0A"}
    assert f"0100007F:{port:04X}" in local
    assert f"00000000:{port:04X}" not in local


def test_its_shards_made_again_have_the_same_digests(project: Project, demo: str) -> None:
    again = project.nca("materialize", *SHARDS)
    assert again.returncode == 0, again.stderr

    def digests(text: str) -> dict[str, str]:
        return dict(re.findall(r"materialized ((?:rollout|behavior)\S+ \S+) .*digest (\w+)", text))

    assert digests(again.stdout) == digests(demo)
    assert len(digests(demo)) == 4
