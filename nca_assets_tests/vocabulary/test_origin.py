"""What is beside the vocabulary says its digest and where it comes from, as long as the vocabulary is the same."""

import json
import subprocess
import sys

import pytest
import torch

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.vocabulary.centroids import digest, load_centroids, save_centroids
from nca_assets.vocabulary.current import current_digest, current_source
from nca_assets_tests.conftest import local

WITHOUT_TORCH = """
import sys
from nca_assets.data_folder import DataFolder
from nca_assets.vocabulary.current import current_digest
print(current_digest(DataFolder.open(sys.argv[1])), "torch" in sys.modules)
"""


def test_none_is_there(data: DataFolder) -> None:
    assert current_digest(data) is None
    assert current_source(data) is None


def test_the_digest_is_known_without_torch(data: DataFolder, centroids: torch.Tensor) -> None:
    save_centroids(centroids, data, "learned")
    said = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, str(data)], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [digest(centroids), "False"]
    assert current_source(data) == "learned"


def test_a_vocabulary_put_there_by_hand_is_noticed(data: DataFolder, centroids: torch.Tensor) -> None:
    save_centroids(centroids, data, "learned")
    other = centroids.flip(0)
    torch.save(other, local(data.centroids_file))
    message = r"centroids\.pt is damaged, or was put there by hand: restore .* with 'nca import centroids"
    for ask in (current_digest, current_source, load_centroids):
        with pytest.raises(NcaError, match=message):
            ask(data)


def test_the_same_vocabulary_in_another_file_is_the_same(data: DataFolder, centroids: torch.Tensor) -> None:
    save_centroids(centroids, data, "learned")
    file = data.centroids_file
    torch.save(centroids, local(file), _use_new_zipfile_serialization=False)
    assert current_digest(data) == digest(centroids)
    assert current_source(data) == "learned"


@pytest.mark.parametrize("bit", range(0, 2200, 97))
def test_no_flipped_bit_changes_the_digest(data: DataFolder, centroids: torch.Tensor, bit: int) -> None:
    """All shards would be stale, however often they were made again."""
    save_centroids(centroids, data, "learned")
    file = local(data.centroids_file.with_suffix(".json"))
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)
    assert current_digest(data) == digest(centroids)


@pytest.mark.parametrize("said", ["", "[]", json.dumps({"source": "learned"})])
def test_what_makes_no_sense_is_not_believed(data: DataFolder, centroids: torch.Tensor, said: str) -> None:
    save_centroids(centroids, data, "learned")
    local(data.centroids_file.with_suffix(".json")).write_text(said)
    assert current_digest(data) == digest(centroids)
    with pytest.raises(NcaError, match="put there by hand"):
        current_source(data)


def test_a_folder_in_its_place_is_said(data: DataFolder, centroids: torch.Tensor) -> None:
    save_centroids(centroids, data, "learned")
    local(data.centroids_file).unlink()
    local(data.centroids_file).mkdir()
    for ask in (current_digest, current_source, load_centroids):
        with pytest.raises(NcaError, match=r"centroids\.pt is not a file .*Is a directory"):
            ask(data)
