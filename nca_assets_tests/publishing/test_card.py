"""The card: its numbers come from the warehouse, none is typed, and what it tells people to do works."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.figures.catalog import FIGURES
from nca_assets.publishing.card import TEMPLATE, facts, render, write_card
from nca_assets.publishing.layout import CONFIGS
from nca_assets.publishing.publish import Published
from nca_assets.tasks.leaderboard import BOARD_SCHEMA
from nca_assets.warehouse.answer import first_rows
from nca_assets_tests.conftest import local

pytestmark = pytest.mark.slow

NAMES_WITH_DIGITS = ("uint8", "SHA-256", "SHA256SUMS", "sha256sum", "MD5", "Sequences 5M")


def test_no_number_is_typed_by_hand() -> None:
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", TEMPLATE.read_text(), flags=re.DOTALL)
    for name in NAMES_WITH_DIGITS:
        text = text.replace(name, "")
    assert re.findall(r".*\d.*", text) == []


def test_its_numbers_are_those_of_the_warehouse(published: Published, to_publish: DataFolder) -> None:
    card = (published.folder / "README.md").read_text()

    def ask(query: str) -> list[tuple]:
        return first_rows(query, to_publish, 100)[1]

    [(rollouts, tokens)] = ask("SELECT count(*), sum(height::BIGINT * width * frames)::BIGINT FROM labels")
    assert f"{rollouts:,} rollouts of random Neural Cellular Automata, {tokens:,} tokens" in card
    for behavior, count in ask("SELECT behavior, count(*) FROM labels GROUP BY behavior"):
        assert re.search(rf"^\| {behavior} \| {count} \|", card, re.MULTILINE)
    for statistic, ours in ask("SELECT statistic, ours FROM card_comparison WHERE ours = round(ours)"):
        assert re.search(rf"^\| {re.escape(statistic)} \| .* \| {ours:,.0f} \|", card, re.MULTILINE)
    [(digest,)] = ask("SELECT centroids_digest FROM snapshot")
    assert digest in card


def test_large_means_are_written_out(to_publish: DataFolder) -> None:
    about = facts(to_publish)
    [tokens] = [row for row in about.comparison if row["statistic"] == "mean tokens per rollout"]
    tokens["ours"] = 362178.25
    assert "| mean tokens per rollout | tokens | 362,178.2 | 362,178 |" in render(about)


def test_frames_and_families_are_those_of_the_sets(to_publish: DataFolder) -> None:
    about = facts(to_publish)
    assert "A rollout is 140 frames of a grid" in render(about)
    assert "one of 14 families" in render(about)
    first, *rest = about.sets
    other = about.definitions[first["set_name"]].model_copy(update={"families": {"gliders": 3, "plain": 1}})
    sets = [{**first, "set_name": "set4", "frames": 150}, *rest]
    mixed = replace(about, sets=sets, definitions={**about.definitions, "set4": other})
    assert "A rollout is 140 to 150 frames of a grid" in render(mixed)
    only = render(replace(mixed, sets=sets[:1]))
    assert "one of 2 families\n(gliders, plain)" in only
    assert "A rollout is 150 frames" in only


def test_the_hub_finds_configs_and_splits(published: Published) -> None:
    _, front, text = (published.folder / "README.md").read_text().split("---\n", 2)
    about = yaml.safe_load(front)
    assert about["license"] == "mit"
    assert about["size_categories"] == ["n<1K"]
    assert [config["config_name"] for config in about["configs"]] == ["preview", "labels", "tokens", "varied"]
    assert [config.get("default", False) for config in about["configs"]] == [True, False, False, False]
    for config in about["configs"]:
        sets = ["set1"] if config["config_name"] == "varied" else ["set1", "set3"]
        assert [file["split"] for file in config["data_files"]] == sets
        for file in config["data_files"]:
            found = list(local(published.folder).glob(file["path"]))
            assert found
            assert all(path.suffix == ".parquet" for path in found)
    for config in CONFIGS:
        for column in config.columns:
            assert f"| `{column.name}` | {column.type} | {column.description} |" in text
    for figure in FIGURES:
        assert f"(figures/{figure.name}.png)" in text
    assert "Tejaskumar Reddy J" in text


def test_a_leaderboard_is_shown_once_there_is_one(to_publish: DataFolder) -> None:
    about = facts(to_publish)
    assert "The floor is" not in render(about)
    row = dict.fromkeys(BOARD_SCHEMA) | {"model": "floor", "rollouts": 3, "cross_entropy": 1.25}
    about.leaderboard.append(row)
    assert "| floor | 3 | 1.25 |  |" in render(about)
    assert "can hope" not in render(about)


AT_THE_END = """
import os, sys
sys.stdout.flush()
os._exit(0)
"""
"""Arrow's threads now and then abort a process that ends right after a scan (Arrow issue 39862), whatever its program
was; so what is run here ends without waiting for them, once all of it has run."""


def test_its_programs_run(with_original: Published) -> None:
    card = (with_original.folder / "README.md").read_text()
    programs = re.findall(r"```python\n(.+?)```", card, re.DOTALL)
    assert len(programs) == 3
    text = "\n".join(programs).replace("FOLDER_OR_REPO", str(with_original.folder))
    text = text.replace('"FOLDER"', repr(str(with_original.folder))) + AT_THE_END
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False,
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(with_original.folder.parent / "home"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"set3/000000 \w+ \(140, \d+, \d+\)", done.stdout)
    assert re.search(r"uint8 \(140, \d+, \d+\)", done.stdout)


def test_it_is_written_for_the_asset(to_publish: DataFolder, published: Published) -> None:
    text, digest = write_card(to_publish)
    assert to_publish.card_file.read_text() == text
    # The folder's own card has a collection more.
    assert set(text.splitlines()) < set((published.folder / "README.md").read_text().splitlines())
    assert len(digest) == 64


def test_without_rollouts_there_is_no_card(data: DataFolder) -> None:
    with pytest.raises(NcaError, match=r"nca\.duckdb is missing"):
        write_card(data)
    assert not data.card_file.exists()
