"""The nca command: every command helps, answers, and fails with one line and exit status 1."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image, ImageSequence
from polars.testing import assert_frame_equal

from nca_assets.cli.main import main
from nca_assets.data_folder import DataFolder
from nca_assets.ids import ShardKey
from nca_assets.labels.schema import LABEL_COLUMNS
from nca_assets.labels.write import write_labels
from nca_assets.publishing.checksums import sums_of, write_sums
from nca_assets.settings import Resources
from nca_assets.shards.imported import register, shard_keys
from nca_assets.shards.manifest import read_manifest, rollout_digest
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION
from nca_assets.vocabulary.centroids import save_centroids
from nca_assets.vocabulary.current import current_source
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.collections import freeze
from nca_assets_tests import warm
from nca_assets_tests.conftest import local
from nca_assets_tests.explorer.test_page import content_of
from nca_assets_tests.labels import movies
from nca_assets_tests.orchestration.conftest import make_home
from nca_assets_tests.shards.test_verify import forge

Capture = pytest.CaptureFixture[str]
CaptureBytes = pytest.CaptureFixture[bytes]


def nca(*arguments: str) -> int:
    """Run the command in this process and give its exit status."""
    before, sys.argv = sys.argv, ["nca", *arguments]
    try:
        main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    finally:
        sys.argv = before
    return 0


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("materialize",),
        ("sql",),
        ("status",),
        ("backfill",),
        ("regenerate",),
        ("verify",),
        ("export",),
        ("gif",),
        ("generate",),
        ("figures",),
        ("explore",),
        ("publish",),
        ("baselines",),
        ("import",),
        ("import", "centroids"),
        ("import", "shards"),
        ("collect",),
        ("illuminate",),
    ],
)
def test_every_command_helps(command: tuple[str, ...], capsys: Capture) -> None:
    assert nca(*command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_the_versions_are_printed(capsys: Capture) -> None:
    assert nca("--version") == 0
    assert (
        capsys.readouterr().out
        == f"nca-assets {version('nca-assets')}: recipe {RECIPE_VERSION}, labels {LABEL_VERSION}\n"
    )


def test_the_status_as_json(
    labelled: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    make_home(tmp_path / "dagster_home", monkeypatch)
    assert nca("status", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    manifest = read_manifest(ShardKey("set1", 0), labelled)
    assert facts["sets"][0] == {
        "set": "set1", "partitions": 4, "materialized": 1, "stale": 0, "failed": 0, "in_flight": 0, "missing": 3,
        "unlabeled": 0, "rollouts": 4, "rollouts_without_tokens": 0, "tokens": manifest.tokens,
        "bytes": labelled.tokens_file(ShardKey("set1", 0)).stat().st_size,
    }  # fmt: skip
    assert [one["set"] for one in facts["sets"]] == ["set1", "set2", "set3"]
    assert (facts["data"], facts["partitions_to_make"], facts["unreported_files"]) == (str(labelled), 10, 4)
    assert facts["seconds_per_partition"] is facts["seconds_left"] is None


def test_sql_prints_a_table(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert (
        nca("sql", "SELECT rollout_id, tail_change IS NULL AS missing, 1e6 AS big, 0.5 AS half FROM labels LIMIT 1")
        == 0
    )
    out = capsys.readouterr().out
    for text in ("rollout_id", "set1/000000", "no", "1,000,000", "0.5"):
        assert text in out


def test_sql_says_when_rows_are_left_out(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert nca("sql", "FROM range(201)") == 0
    assert "first 200 rows only" in capsys.readouterr().out


def test_a_malformed_query_gives_duckdbs_message(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert nca("sql", "SELEC 1") == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("nca: DuckDB: Parser Error: syntax error")
    assert "Traceback" not in captured.err


def test_a_whole_answer_as_csv_json_and_parquet(built: DataFolder, capfdbinary: CaptureBytes, tmp_path: Path) -> None:
    query = 'SELECT rollout_id, damage, unnest([1, 2]) AS "n" FROM labels ORDER BY rollout_id, n'
    expected = pl.read_parquet(local(built.labels_file(ShardKey("set1", 0))), hive_partitioning=False)["damage"]
    (tmp_path / "query.sql").write_text(query)
    assert nca("sql", "-f", str(tmp_path / "query.sql"), "--csv") == 0
    csv = pl.read_csv(capfdbinary.readouterr().out)
    assert nca("sql", query, "--json") == 0
    json = pl.read_json(capfdbinary.readouterr().out)
    assert nca("sql", query, "--parquet", str(tmp_path / "answer.parquet")) == 0
    parquet = pl.read_parquet(tmp_path / "answer.parquet")
    assert_frame_equal(csv, json, check_dtypes=False)
    assert_frame_equal(csv, parquet, check_dtypes=False)
    assert len(csv) == 16
    assert csv["damage"].gather_every(2)[:4].to_list() == expected.to_list()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either a query or a file with one, -f FILE"),
        (("SELECT 1", "-f", "query.sql"), "give either a query or a file"),
        (("-f", "nowhere.sql"), "can't read nowhere.sql"),
        (("SELECT 1", "--csv", "--json"), "choose one of --csv, --json and --parquet"),
        (("COPY labels TO 'out.csv'", "--csv"), "give one query that selects, like 'FROM behavior_summary', not COPY"),
        (("SELECT content FROM read_text('/etc/hostname')", "--json"), "DuckDB: Permission Error"),
        (("ATTACH 'other.duckdb'",), "not ATTACH"),
        (("DELETE FROM labels",), "not DELETE"),
        (("SET allowed_directories = ['/']",), "not SET"),
        (("SELECT 1; DROP TABLE labels",), "not 2 statements"),
        (("SELECT '\udcff'",), "contains a NUL, or bytes that are not UTF-8"),
        (("SELECT 1 \0 FROM nowhere", "--csv"), "contains a NUL, or bytes that are not UTF-8"),
        (("SELECT 'x'::INTEGER",), "DuckDB: Conversion Error"),
        (("SELECT 'x'::INTEGER", "--csv"), "DuckDB: Conversion Error"),
    ],
)
def test_what_sql_refuses(
    built: DataFolder,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setenv("NCA_DATA", str(built))
    monkeypatch.chdir(tmp_path)
    files = set(tmp_path.rglob("*"))
    assert nca("sql", *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("nca: ")
    assert message in error
    assert "Traceback" not in error
    assert set(tmp_path.rglob("*")) == files


def test_a_parquet_file_that_was_there_survives_a_failure(built: DataFolder, capsys: Capture, tmp_path: Path) -> None:
    assert built
    (tmp_path / "a.parquet").write_text("precious")
    assert nca("sql", "SELEC", "--parquet", str(tmp_path / "a.parquet")) == 1
    assert "syntax error" in capsys.readouterr().err
    assert [file.read_text() for file in tmp_path.glob("*.parquet")] == ["precious"]


@pytest.mark.parametrize("query", ["", "/* nothing */"])
def test_a_query_without_an_answer_is_said(built: DataFolder, capsys: Capture, query: str) -> None:
    assert built
    assert nca("sql", query) == 1
    assert "give one query that selects, like 'FROM behavior_summary', not 0 statements" in capsys.readouterr().err


def test_a_wide_table_is_not_squeezed_in_a_pipe(built: DataFolder, capsys: Capture) -> None:
    assert nca("sql", "FROM labels LIMIT 1") == 0
    heading = capsys.readouterr().out.splitlines()[0]
    assert heading.split() == [column.name for column in LABEL_COLUMNS]
    assert built


def test_markup_in_data_is_not_obeyed(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert nca("sql", "SELECT '[/b]' AS a, '[red]gone' AS b, ':bomb:' AS c, e'\\x1b[2J' AS d, '' AS e, NULL AS f") == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["[/b]", "[red]gone", ":bomb:", "\\x1b[2J", "NULL"]


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("nca sql 'FROM range(200)' > /dev/full", 1, "nca: can't write the output: No space left on device"),
        pytest.param("nca sql 'FROM range(200)' >&-", 0, "", marks=pytest.mark.slow),
        pytest.param(
            "LC_ALL=POSIX PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 nca sql 'FROM range(200)' > /dev/null",
            0, "", marks=pytest.mark.slow,
        ),
        pytest.param("nca sql 'FROM range(1000000)' --csv | head -1", 1, "", marks=pytest.mark.slow),
        pytest.param(
            "timeout --preserve-status -s INT 6 nca sql 'SELECT count(*) FROM range(1000000000000)'",
            130, "", marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_output_that_cannot_be_written_and_ctrl_c(built: DataFolder, command: str, status: int, said: str) -> None:
    """The status is the command's own; on stderr is a line, or nothing."""
    assert built
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (status, said)


def test_sql_without_a_warehouse_says_what_to_do(data: DataFolder, capsys: Capture) -> None:
    assert data
    assert nca("sql", "SELECT 1") == 1
    assert "make demo does" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["gif", "png"])
@pytest.mark.parametrize("rollout", ["set1/000001", "set1/000002", "set2/000000", "set3/123456"])
def test_gif_of_a_stored_or_a_simulated_rollout(
    built: DataFolder, tmp_path: Path, capsys: Capture, rollout: str, form: str
) -> None:
    """Of a shard that is there or was deleted, and beyond those that were made."""
    if rollout == "set1/000002":
        local(built.tokens_file(ShardKey("set1", 0))).unlink()
    out = tmp_path / f"picture.{form}"
    assert nca("gif", rollout, "--out", str(out), "--scale", "2", "--gray") == 0
    if form == "gif":
        with Image.open(out) as image:
            # Equal frames in a row are one frame of the file, shown longer.
            lasts = sum(frame.info["duration"] for frame in ImageSequence.Iterator(image))
        assert lasts == 40 * built.sets["set1"].frames
    captured = capsys.readouterr()
    assert f"{rollout}, {built.sets['set1'].frames} frames" in captured.out
    said = "" if rollout == "set1/000001" else f"{rollout} is not stored: simulated from its recipe\n"
    assert captured.err == said


def test_gif_of_some_frames(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    assert built
    assert nca("gif", "set1/000001", "--out", str(tmp_path / "a.gif"), "--scale", "1", "--frames", "7") == 0
    assert "set1/000001, 7 frames of 8x8 cells" in capsys.readouterr().out


def test_gifs_of_a_querys_answer_and_of_a_random_rollout(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    query = "SELECT rollout_id FROM labels ORDER BY rollout_id"
    assert nca("gif", query, "--most", "3", "--out", str(tmp_path), "--scale", "1") == 0
    assert sorted(file.name for file in tmp_path.glob("*.gif")) == [f"set1_00000{index}.gif" for index in range(3)]
    assert nca("gif", "--out", str(tmp_path / "any.gif"), "--scale", "1") == 0
    assert (tmp_path / "any.gif").stat().st_size > 0
    assert capsys.readouterr().out.count(f"{built.sets['set1'].frames} frames") == 4
    assert nca("gif", "SELECT NULL AS rollout_id") == 1
    assert "unknown rollout 'None'" in capsys.readouterr().err
    assert nca("gif", "SELECT 1 AS one") == 1
    assert "returns no rollout: it needs a column rollout_id" in capsys.readouterr().err


def test_a_rollout_as_video_and_as_a_sheet(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    assert built
    assert nca("gif", "set1/000001", "--out", str(tmp_path / "a.mp4")) == 0
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"
    assert nca("gif", "set1/000001", "--out", str(tmp_path), "--form", "png") == 0
    assert (tmp_path / "set1_000001.png").read_bytes().startswith(b"\x89PNG")
    assert nca("gif", "set1/000001", "--out", str(tmp_path / "a.bmp")) == 1
    assert "unsupported format 'bmp': use one of gif, mp4, png" in capsys.readouterr().err


def test_rollouts_of_ones_choice_to_explore(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    assert built
    out = tmp_path / "explorer.html"
    assert nca("explore", "set_name = 'set2'", "--out", str(out)) == 0
    assert f"{out}: 4 rollouts, 0." in capsys.readouterr().out
    [ids] = [column["values"] for column in content_of(out)["columns"] if column["name"] == "rollout_id"]
    assert sorted(ids) == [f"set2/00000{index}" for index in range(4, 8)]
    assert nca("explore", "nonsense =", "--out", str(out)) == 1
    assert "DuckDB: Parser Error" in capsys.readouterr().err


@pytest.mark.slow
def test_a_dataset_is_published_and_verified(built: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    assert built
    out = tmp_path / "dataset"
    assert nca("publish", "--to", str(out)) == 0
    assert f"check it with 'nca verify --published {out}'" in capsys.readouterr().out
    assert nca("verify", "--published", str(out)) == 0
    assert f"{out}: every file matches its checksum" in capsys.readouterr().out
    (out / "README.md").write_text("changed")
    assert nca("verify", "--published", str(out)) == 1
    said = capsys.readouterr().err
    assert f"{out}: README.md has changed" in said
    assert "nca: " in said
    assert "has changed since it was published: 1 difference" in said


def test_a_shard_is_generated_without_dagster(labelled: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    there = tmp_path / "local"
    there.mkdir()
    shutil.copy(local(labelled / "centroids.pt"), there)
    assert nca("generate", "set1-00000", "--to", str(there)) == 0
    assert f"{there}/nca_dataset/shard_00000.npz: 4 rollouts" in capsys.readouterr().out
    key = ShardKey("set1", 0)
    assert DataFolder.open(there).tokens_file(key).read_bytes() == labelled.tokens_file(key).read_bytes()
    assert nca("generate", "set1-00000", "--to", str(labelled)) == 1
    assert "managed by Dagster: use 'nca materialize'" in capsys.readouterr().err


def test_gif_of_an_unknown_rollout(built: DataFolder, capsys: Capture) -> None:
    assert built
    assert nca("gif", "set7/000001") == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_ones_own_vocabulary_and_movies_are_imported(
    data: DataFolder, centroids: torch.Tensor, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_home(tmp_path / "dagster_home", monkeypatch)
    torch.save(centroids.flip(0), tmp_path / "own.pt")
    assert nca("import", "centroids", str(tmp_path / "own.pt")) == 0
    assert f"centroids.pt: imported from {tmp_path / 'own.pt'}, digest " in capsys.readouterr().out
    assert (current_source(data) or "").startswith("imported")
    (tmp_path / "life").mkdir()
    np.savez(tmp_path / "life" / "a.npz", allow_pickle=False, movie=movies.gliders())
    assert nca("import", "shards", str(tmp_path / "life")) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("materialized imported_shards life-00000")
    assert last.startswith("materialized analytics/")
    assert nca("sql", "SELECT rollout_id, frames FROM labels") == 0
    assert "life/000000" in capsys.readouterr().out
    assert nca("import", "shards", "http://host/life") == 1
    assert "can't import from 'http://host/life'" in capsys.readouterr().err


def test_unfit_centroids_are_refused(
    data: DataFolder, centroids: torch.Tensor, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_centroids(centroids, data, "learned")
    make_home(tmp_path / "dagster_home", monkeypatch)
    torch.save(torch.ones(3), tmp_path / "own.pt")
    assert nca("import", "centroids", str(tmp_path / "own.pt")) == 1
    assert "holds torch.float32 (3,)" in capsys.readouterr().err
    assert current_source(data) == "learned"


def test_an_import_without_a_dagster_home_leaves_the_vocabulary(
    data: DataFolder, centroids: torch.Tensor, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_centroids(centroids, data, "learned")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    torch.save(centroids.flip(0), tmp_path / "own.pt")
    assert nca("import", "centroids", str(tmp_path / "own.pt")) == 1
    assert "has no dagster.yaml" in capsys.readouterr().err
    assert current_source(data) == "learned"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("set1-99999", "unknown partition key 'set1-99999': use set1-00000 to set3-00003"),
        ("set9-00000", "unknown partition key 'set9-00000': use set1-00000 to set3-00003"),
        ("nonsense", "unknown shard 'nonsense': write a set and a number, like set1-00000"),
    ],
)
def test_materialize_refuses_unknown_partitions_before_any_work(
    data: DataFolder, capsys: Capture, key: str, message: str
) -> None:
    assert nca("materialize", "set1-00000", key) == 1
    assert message in capsys.readouterr().err
    assert [file.name for file in local(data.root).iterdir()] == ["dataset.json"]


def test_regenerate_says_the_digest_and_writes_the_tokens(
    labelled: DataFolder, tmp_path: Path, capsys: Capture
) -> None:
    manifest = read_manifest(ShardKey("set1", 0), labelled)
    member = manifest.members[3]
    target = tmp_path / "rollout.npy"
    assert nca("regenerate", "set1/000003", "--to", str(target)) == 0
    line = f"{target}: set1/000003, {labelled.sets['set1'].frames} frames of {member.height}x{member.width} cells"
    assert capsys.readouterr().out == f"{line}, digest {member.digest}\n"
    assert rollout_digest(np.load(target, allow_pickle=False)) == member.digest
    assert nca("regenerate", "set1/000003") == 0
    assert capsys.readouterr().out.startswith("set1/000003, ")


@pytest.mark.parametrize("to", ["", "{}"])
def test_regenerate_says_where_it_can_not_write(
    labelled: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, to: str
) -> None:
    assert labelled
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    assert nca("regenerate", "set1/000003", "--to", to.format(tmp_path)) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("nca: can't write ")
    assert set(tmp_path.rglob("*")) == before


def test_a_schedule_that_is_none_is_said(data: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data
    make_home(tmp_path / "dagster_home", monkeypatch)
    monkeypatch.setenv("NCA_TOP_UP_CRON", "99 99 99 99 99")
    done = warm.completed(["nca", "materialize", "set1-00000"], tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("nca: NCA_TOP_UP_CRON=99 99 99 99 99: no time is written like that in cron.")


def test_regenerate_needs_a_vocabulary(data: DataFolder, capsys: Capture) -> None:
    assert data
    assert nca("regenerate", "set1/000003") == 1
    assert "centroids.pt is missing" in capsys.readouterr().err


def test_verify_holds_every_shard_against_its_recipe(
    labelled: DataFolder, resources: Resources, capsys: Capture
) -> None:
    assert nca("verify") == 0
    assert capsys.readouterr().out.splitlines() == [
        "set1-00000: 4 rollouts simulated again, identical bytes",
        "set2-00001: 4 rollouts simulated again, identical bytes",
        "intact: 2 shards with labels, 1 other file",
    ]
    forge(labelled, ShardKey("set2", 1), member=2)
    write_labels(ShardKey("set2", 1), labelled, resources)
    assert nca("verify", "set2-00001", "--rollouts", "1") == 0
    assert nca("verify", "--all") == 1
    captured = capsys.readouterr()
    assert "set1-00000: 4 rollouts simulated again" in captured.out
    lines = captured.err.splitlines()
    assert lines[0].startswith("set2-00001: set2/000006 does not reproduce")
    assert lines[1] == (
        "nca: 1 of 2 shards could not be verified: remake them with 'nca backfill --missing --stale' or "
        "'nca materialize set2-00001'"
    )


def test_verify_names_damaged_labels_and_collections(labelled: DataFolder, capsys: Capture) -> None:
    build_warehouse(labelled)
    frozen = freeze("c", "SELECT rollout_id FROM labels", labelled)
    files = [labelled.curves_file(ShardKey("set2", 1)), frozen.file]
    for file in files:
        local(file).write_bytes(file.read_bytes()[:-1] + b"!")
    labelled.warehouse_file().unlink()
    assert nca("verify") == 1
    captured = capsys.readouterr()
    assert captured.out.count("simulated again, identical bytes") == 2
    for file, line in zip(files, captured.err.splitlines(), strict=False):
        assert f"{file} is damaged (it does not match its seal): " in line
    assert captured.err.splitlines()[2].startswith("nca: 1 of 2 shards could not be verified: ")


def test_verify_offers_no_recipe_for_imported_shards(data: DataFolder, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "life").mkdir()
    np.savez(tmp_path / "life" / "a.npz", allow_pickle=False, movie=movies.cycle(2))
    for key, file in shard_keys(tmp_path / "life", "life", data).items():
        register(key, file, data)
    (tmp_path / "life" / "a.npz").write_bytes(b"changed")
    assert nca("verify") == 1
    finding, last = capsys.readouterr().err.splitlines()
    assert finding.startswith("life-00000: ")
    assert last == "nca: 1 of 1 shard could not be verified"


def test_verify_without_shards_says_so(data: DataFolder, capsys: Capture) -> None:
    assert nca("verify") == 1
    assert f"{data} has no shards to verify" in capsys.readouterr().err


def test_export_writes_the_labels_under_the_cards_names(labelled: DataFolder, capsys: Capture) -> None:
    assert nca("export") == 0
    files = [labelled / "dataset_labels_set.csv", labelled / "dataset_labels_set2.csv"]
    assert capsys.readouterr().out.splitlines() == [f"{file}: 4 rollouts" for file in files]
    assert not (labelled / "dataset_labels_set3.csv").exists()
    part = pl.read_parquet(local(labelled.labels_file(ShardKey("set2", 1))), hive_partitioning=False)
    table = pl.read_csv(local(files[1]), schema_overrides=dict(part.schema))
    assert_frame_equal(table, part)


def test_export_leaves_out_damaged_parts_and_says_so(
    labelled: DataFolder, capsys: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    part = labelled.labels_file(ShardKey("set1", 0))
    local(part).write_bytes(b"no parquet")
    assert nca("export") == 0
    assert capsys.readouterr().out == f"{labelled / 'dataset_labels_set2.csv'}: 4 rollouts\n"
    assert f"{part} is damaged (it has no seal): materialize partition set1-00000 of behavior_labels" in caplog.text
    part.unlink()
    labelled.labels_file(ShardKey("set2", 1)).unlink()
    assert nca("export") == 1
    assert "holds no labels" in capsys.readouterr().err


def test_verify_reads_the_published_folder_too(built: DataFolder, capsys: Capture) -> None:
    """A folder where a published file should be was a traceback."""
    folder = local(built.published_folder)
    folder.mkdir()
    (folder / "a").write_text("content")
    write_sums(sums_of(folder), folder)
    assert nca("verify") == 0
    assert "intact: 2 shards with labels, 4 other files" in capsys.readouterr().out
    (folder / "a").unlink()
    (folder / "a").mkdir()
    assert nca("verify") == 1
    assert f"{folder}: a has changed: run 'nca publish' again" in capsys.readouterr().err
