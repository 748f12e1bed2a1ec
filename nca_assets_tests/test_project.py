"""A project: its sets in ``nca.toml``, its data beside, and settings that are named when they are wrong."""

from pathlib import Path

import pytest

from nca_assets.cli.main import main
from nca_assets.errors import NcaError
from nca_assets.project import Project
from nca_assets.settings import DatasetSettings, load
from nca_assets_tests.conftest import local

SET4 = (
    "[sets.set4]\nseed = 4\nframes = 150\nsmallest_side = 9\nlargest_side = 12\nfamilies = { gliders = 3, plain = 1 }\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that one stands in."""
    monkeypatch.delenv("NCA_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def nca(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["nca", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code


def test_without_a_file_the_sets_are_the_cards(folder: Path) -> None:
    assert list(Project.load().sets) == ["set1", "set2", "set3"]
    assert list(folder.iterdir()) == []


def test_a_new_project_has_the_cards_sets_in_words_and_lies_where_it_was_begun(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nca(monkeypatch, "init", "demo")
    assert "nca materialize set1-00000" in capsys.readouterr().out
    (folder / "demo" / "inner").mkdir()
    without = Project.load().sets
    monkeypatch.chdir(folder / "demo" / "inner")
    assert Project.load().sets == without
    assert Project.load().data.location == str(folder / "demo" / "data")
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["nca", "init", "demo"])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "already has nca.toml: name a new folder" in capsys.readouterr().err


@pytest.mark.slow
def test_a_set_of_ones_own_is_made_labelled_queried_and_exported(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nca(monkeypatch, "init", ".")
    with (folder / "nca.toml").open("a") as file:
        file.write(SET4)
    monkeypatch.setenv("DAGSTER_HOME", str(folder / ".dagster"))
    from nca_assets.labels.write import write_labels
    from nca_assets.settings import Resources
    from nca_assets.shards.write import write_shard
    from nca_assets.vocabulary.centroids import read_centroids, save_centroids
    from nca_assets.warehouse.build import build_warehouse
    from nca_assets_tests.conftest import GOLDEN

    data, resources = Project.load().writable_data(), load(Resources)
    key = Project.load().shard_key("set4-00001")
    centroids = read_centroids(GOLDEN / "centroids.pt")
    save_centroids(centroids, data, "learned")
    write_shard(key, centroids, data, resources)
    write_labels(key, data, resources)
    build_warehouse(data)
    capsys.readouterr()
    nca(monkeypatch, "sql", "--csv", "SELECT DISTINCT frames, family, height BETWEEN 9 AND 12 FROM labels ORDER BY ALL")
    _, *rows = capsys.readouterr().out.splitlines()
    assert {row.split(",")[0] for row in rows} == {"150"}
    assert {row.split(",")[1] for row in rows} <= {"gliders", "plain"}
    assert {row.split(",")[2] for row in rows} == {"true"}
    nca(monkeypatch, "export")
    assert (folder / "data" / "dataset_labels_set4.csv").exists()
    assert (folder / "data" / "nca_dataset_set4" / "shard_00001.npz").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sets.set4\n", r"can't read nca\.toml: "),
        ("[sets.four]\nseed = 4\n", r"nca\.toml: a set can't be called 'four': use set1, set2"),
        ("[sets.set4]\n", r"nca\.toml: set4\.seed: is missing: give the set a seed of its own"),
        ("[sets.set4]\nseed = 0\n", r"nca\.toml: set4\.seed: input should be greater than or equal to 1"),
        ("[sets.set4]\nseed = 44062\n", r"nca\.toml: set4\.seed: 44062 is the seed of the floor's noise"),
        ("[sets.set4]\nseed = 4\nfolder = 'labels'\n", r"nca\.toml: set4\.folder: labels is for other files"),
        ("[sets.set4]\nseed = 4\nfamilys = {}\n", r"nca\.toml: set4\.familys: is not an entry: use seed, folder"),
        (
            "[sets.set4]\nseed = 4\nfamilies = { glider = 1 }\n",
            r"nca\.toml: set4.*unknown family 'glider': use",
        ),
        ("[sets.set4]\nseed = 4\n[sets.set5]\nseed = 4\n", r"nca\.toml: set5 has the seed of set4, 4: give it its own"),
        ("shard_size = 3\n", r"nca\.toml: shard_size is not an entry: write tables like \[sets\.set4\]"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_one_line(folder: Path, text: str, message: str) -> None:
    (folder / "nca.toml").write_text(text)
    with pytest.raises(NcaError, match=message) as raised:
        _ = Project.load().sets
    assert "\n" not in str(raised.value)


def test_a_misspelt_setting_is_named_by_every_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder
    monkeypatch.setenv("NCA_SHARDSIZE", "3")
    for command in (["status"], ["sql", "FROM labels"], ["init", "x"]):
        monkeypatch.setattr("sys.argv", ["nca", *command])
        with pytest.raises(SystemExit, match="1"):
            main()
        assert "NCA_SHARDSIZE is not a setting: did you mean NCA_SHARD_SIZE?" in capsys.readouterr().err


def test_variables_that_kubernetes_sets_are_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NCA_ASSETS_SERVICE_HOST", "NCA_ASSETS_PORT", "NCA_ASSETS_PORT_80_TCP_ADDR", "NCA_WEB_SERVICE_PORT"):
        monkeypatch.setenv(name, "10.0.0.1")
    assert load(DatasetSettings)


def test_settings_of_another_shape_change_nothing_in_reading(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCA_SHARD_SIZE", "3")
    monkeypatch.setenv("NCA_FRAMES", "200")
    other = Project.load()
    assert other.data == project.data
    assert (other.data.shard_size, other.data.sets["set1"].frames) == (4, 140)
    with pytest.raises(
        NcaError, match="has shards of 4 rollouts, not of 3 as requested: unset NCA_SHARD_SIZE and NCA_FRAMES"
    ):
        other.writable_data()
    assert local(project.data.root).exists()
