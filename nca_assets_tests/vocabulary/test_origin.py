"""What is beside the vocabulary says its digest and where it comes from, as long as the vocabulary is the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nca_assets.errors import NcaError
from nca_assets.naming import centroids_file
from nca_assets.vocabulary.centroids import digest, save_centroids
from nca_assets.vocabulary.origin import present_digest, present_source
from nca_assets_tests.conftest import local

WITHOUT_TORCH = """
import pathlib, sys
from nca_assets.vocabulary.origin import present_digest
print(present_digest(pathlib.Path(sys.argv[1])), "torch" in sys.modules)
"""


def test_none_is_there(tmp_path: Path) -> None:
    assert present_digest(tmp_path) is None
    assert present_source(tmp_path) is None


def test_the_digest_is_known_without_torch(tmp_path: Path, centroids: torch.Tensor) -> None:
    save_centroids(centroids, tmp_path, "learned")
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [digest(centroids), "False"]
    assert present_source(tmp_path) == "learned"


def test_a_vocabulary_put_there_by_hand_is_noticed(tmp_path: Path, centroids: torch.Tensor) -> None:
    save_centroids(centroids, tmp_path, "learned")
    other = centroids.flip(0)
    torch.save(other, local(centroids_file(tmp_path)))
    assert present_digest(tmp_path) == digest(other) != digest(centroids)
    with pytest.raises(NcaError, match=r"centroids\.pt was put there by hand: keep it with 'nca import centroids"):
        present_source(tmp_path)


def test_the_same_vocabulary_in_another_file_is_the_same(tmp_path: Path, centroids: torch.Tensor) -> None:
    save_centroids(centroids, tmp_path, "learned")
    file = centroids_file(tmp_path)
    torch.save(centroids, local(file), _use_new_zipfile_serialization=False)
    assert present_digest(tmp_path) == digest(centroids)
    assert present_source(tmp_path) == "learned"


@pytest.mark.parametrize("bit", range(0, 2200, 97))
def test_no_flipped_bit_changes_the_digest(tmp_path: Path, centroids: torch.Tensor, bit: int) -> None:
    """All shards would be stale, however often they were made again."""
    save_centroids(centroids, tmp_path, "learned")
    file = local(centroids_file(tmp_path).with_suffix(".json"))
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)
    assert present_digest(tmp_path) == digest(centroids)


@pytest.mark.parametrize("said", ["", "[]", json.dumps({"source": "learned"})])
def test_what_makes_no_sense_is_not_believed(tmp_path: Path, centroids: torch.Tensor, said: str) -> None:
    save_centroids(centroids, tmp_path, "learned")
    local(centroids_file(tmp_path).with_suffix(".json")).write_text(said)
    assert present_digest(tmp_path) == digest(centroids)
    with pytest.raises(NcaError, match="put there by hand"):
        present_source(tmp_path)
