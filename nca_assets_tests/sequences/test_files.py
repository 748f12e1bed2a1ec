"""Token files: read with NumPy alone, as nanoGPT reads them, they hold the very frames, wherever these came from."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId
from nca_assets.loading.readers import read_recipes
from nca_assets.loading.source import RolloutSource
from nca_assets.loading.splits import split_of
from nca_assets.sequences.files import write_sequences
from nca_assets.sequences.stream import Sequences

LENGTH = 800


def described(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "sequences.json").read_text())


def nanogpt_batch(file: Path, block_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """``get_batch`` of nanoGPT's ``train.py``, in its own words."""
    data = np.memmap(file, dtype=np.uint16, mode="r")
    ix = torch.randint(len(data) - block_size, (12,))
    x = torch.stack([torch.from_numpy((data[i : i + block_size]).astype(np.int64)) for i in ix])
    y = torch.stack([torch.from_numpy((data[i + 1 : i + 1 + block_size]).astype(np.int64)) for i in ix])
    return x, y


def cells_of(token: int, unit: str) -> list[int]:
    if unit == "cell":
        return [token]
    return [token // 32, token % 32] if token < 1024 else [token - 1024]


def read_frames(text: list[int], unit: str, vocabulary: dict[str, int]) -> list[list[list[int]]]:
    """The whole frames of one sequence, token by token, by what the description says."""
    assert text[0] == vocabulary["sequence_start"]
    frames: list[list[list[int]]] = []
    lines: list[list[int]] = [[]]
    for token in text[1:]:
        if token < vocabulary["row_end"]:
            lines[-1].append(token)
            continue
        lines.append([])
        if token == vocabulary["frame_end"]:
            rows = lines[:-1]
            if unit == "patch":
                rows = [line[half::2] for line in rows for half in (0, 1)]
            frames.append([[cell for pair in row for cell in cells_of(pair, unit)] for row in rows])
            lines = [[]]
    return frames


@pytest.mark.parametrize("unit", ["cell", "pair", "patch"])
def test_the_frames_are_read_back_without_us(source: RolloutSource, tmp_path: Path, unit: Any) -> None:
    write_sequences(Sequences(source, unit, LENGTH, spans=3), tmp_path)
    ids, seen = source.ids, set()
    movies = {rollout.id: np.asarray(rollout.tokens) for rollout in source}
    for file, split in (("train.bin", "train"), ("val.bin", "validation")):
        for text in np.memmap(tmp_path / file, dtype="<u2", mode="r").reshape(-1, LENGTH):
            frames = np.array(read_frames(text.tolist(), unit, described(tmp_path)["vocabulary"]))
            matching = [name for name, movie in movies.items() if holds(movie, frames)]
            assert matching
            assert split in {split_of(name) for name in matching}
            seen |= set(matching)
    assert seen == set(ids)


def holds(movie: np.ndarray, frames: np.ndarray) -> bool:
    """Whether a rollout has these consecutive frames."""
    if movie.shape[1:] != frames.shape[1:]:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(movie, len(frames), axis=0)
    return bool((np.moveaxis(windows, -1, 1) == frames).all(axis=(1, 2, 3)).any())


def test_nanogpt_reads_them(source: RolloutSource, tmp_path: Path) -> None:
    write_sequences(Sequences(source, length=LENGTH), tmp_path)
    x, y = nanogpt_batch(tmp_path / "train.bin", block_size=256)
    assert x.shape == y.shape == (12, 256)
    assert torch.equal(x[:, 1:], y[:, :-1])
    assert int(x.max()) < described(tmp_path)["vocabulary"]["size"]


def test_the_description_is_true(source: RolloutSource, tmp_path: Path) -> None:
    told = write_sequences(Sequences(source, length=LENGTH, spans=2, seed=5), tmp_path, "a test's")
    assert told == described(tmp_path)
    assert told["selection"] == "a test's"
    assert told["options"]["seed"] == 5
    assert told["rollouts"]["selected"] == told["rollouts"]["fitting"] == 8
    for name, file in told["files"].items():
        content = (tmp_path / name).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["tokens"] * 2 == file["sequences"] * LENGTH * 2 == len(content)
        assert file["sequences"] == 2 * file["rollouts"]
    assert [file["rollouts"] for file in told["files"].values()] == [7, 1, 0]


@pytest.mark.parametrize("shuffled", [False, True])
def test_files_unpacked_files_and_recipes_give_the_same_bytes(
    shards: DataFolder, source: RolloutSource, tmp_path: Path, shuffled: bool
) -> None:
    sources = {"files": source, "unpacked": source.unpacked()}
    sources["recipes"] = RolloutSource(source.table, read_recipes, shards)
    told = [
        write_sequences(Sequences(one, length=LENGTH, spans=2, shuffled=shuffled), tmp_path / name)
        for name, one in sources.items()
    ]
    assert told[0] == told[1] == told[2]


def test_the_bytes_never_change(source: RolloutSource, tmp_path: Path) -> None:
    """The order and the control depend on neither NumPy's generator nor the machine."""
    told = write_sequences(Sequences(source, length=LENGTH, spans=2, shuffled=True, seed=7), tmp_path)
    assert told["files"]["train.bin"]["sha256"][:16] == "1d44ad42ecc114c0"


def test_one_split_has_one_file(source: RolloutSource, tmp_path: Path) -> None:
    write_sequences(Sequences(source, length=LENGTH, split="validation"), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"val.bin", "sequences.json"}
    assert split_of(RolloutId("set1", 0)) == "validation"


def test_a_rollout_that_cannot_be_read_leaves_the_earlier_files(source: RolloutSource, tmp_path: Path) -> None:
    write_sequences(Sequences(source, length=LENGTH, spans=1), tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def reader(wanted: Any, data: DataFolder, resources: Any) -> Any:
        for number, tokens in enumerate(source.reader(wanted, data, resources)):
            yield NcaError("a damaged shard") if number == 5 else tokens

    damaged = RolloutSource(source.table, reader, source.data)
    with pytest.raises(NcaError, match="a damaged shard"):
        write_sequences(Sequences(damaged, length=LENGTH, spans=2), tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_nothing_within_the_bounds_is_an_error(source: RolloutSource, tmp_path: Path) -> None:
    with pytest.raises(NcaError, match="no span has a complexity within"):
        write_sequences(Sequences(source, length=LENGTH, complexity=(2.0, 3.0)), tmp_path)
    assert not list(tmp_path.iterdir())
