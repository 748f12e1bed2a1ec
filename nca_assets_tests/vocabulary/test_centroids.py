"""centroids.pt: readable by plain torch, checked before use, on the lattice."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.errors import NcaError
from nca_assets.naming import centroids_file
from nca_assets.vocabulary.centroids import (
    digest,
    import_centroids,
    is_on_lattice,
    load_centroids,
    save_centroids,
    to_lattice,
)
from nca_assets.vocabulary.origin import present_source
from nca_assets_tests.conftest import local

UNFIT = {
    "wrong shape": torch.ones(16, 32),
    "NaN": torch.full((32, 16), float("nan")),
    "infinite": torch.full((32, 16), float("inf")),
    "row of zeros": torch.cat([torch.ones(31, 16), torch.zeros(1, 16)]),
    "integers": torch.ones(32, 16, dtype=torch.int64),
    "a dict": {"centroids": torch.ones(32, 16)},
}
REASONS = {
    "wrong shape": r"holds torch.float32 \(16, 32\), not a floating-point tensor of shape \(32, 16\)",
    "NaN": "holds NaN or infinite values",
    "infinite": "holds NaN or infinite values",
    "row of zeros": "holds a row of zeros",
    "integers": "holds torch.int64",
    "a dict": "holds dict",
}


def test_what_is_saved_reads_back_with_plain_torch(tmp_path: Path, centroids: torch.Tensor) -> None:
    save_centroids(centroids, tmp_path, "learned")
    plain = torch.load(tmp_path / "centroids.pt", weights_only=True)
    assert plain.shape == (32, 16)
    assert plain.dtype == torch.float32
    assert torch.equal(plain, centroids)
    assert torch.equal(load_centroids(tmp_path), centroids)
    assert present_source(tmp_path) == "learned"


def test_the_digest_is_what_the_specification_says(centroids: torch.Tensor) -> None:
    lattice = np.rint(centroids.double().numpy() * 1024).astype("<i2")
    assert digest(centroids) == hashlib.sha256(lattice.tobytes()).hexdigest()


@given(seed=st.integers(0, 2**32), exponent=st.integers(-30, 30))
def test_any_centroids_go_onto_the_lattice(seed: int, exponent: int) -> None:
    values = np.random.default_rng(seed).normal(size=(32, 16)) * 2.0**exponent
    lattice = to_lattice(torch.from_numpy(values))
    assert is_on_lattice(lattice)
    expected = values / np.sqrt((values**2).sum(axis=1, keepdims=True))
    assert np.abs(lattice.numpy() - expected).max() <= 0.5 / 1024 + 1e-12


@pytest.mark.parametrize("unfit", UNFIT)
def test_unfit_centroids_are_refused_and_the_old_ones_stay(tmp_path: Path, centroids: torch.Tensor, unfit: str) -> None:
    save_centroids(centroids, tmp_path, "learned")
    torch.save(UNFIT[unfit], tmp_path / "mine.pt")
    with pytest.raises(NcaError, match=rf"mine\.pt {REASONS[unfit]}") as caught:
        import_centroids(tmp_path / "mine.pt", tmp_path)
    assert "\n" not in str(caught.value)
    assert torch.equal(load_centroids(tmp_path), centroids)


@pytest.mark.parametrize("content", [b"", b"not a torch file", b"PK\x03\x04 broken zip", b"\x80\x02]q\x00."])
def test_what_is_no_torch_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.pt").write_bytes(content)
    with pytest.raises(NcaError, match=r"mine.pt (is not a file of torch.save|holds list)") as caught:
        import_centroids(tmp_path / "mine.pt", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_vocabulary_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NcaError, match=r"centroids\.pt is missing: materialize the asset 'centroids'"):
        load_centroids(tmp_path)


def test_a_file_put_there_by_hand_must_be_imported(tmp_path: Path) -> None:
    torch.save(torch.rand(32, 16), local(centroids_file(tmp_path)))
    with pytest.raises(NcaError, match=r"not on the lattice .* run 'nca import centroids"):
        load_centroids(tmp_path)


def test_an_imported_vocabulary_is_normalized_and_remembered(tmp_path: Path) -> None:
    own = torch.rand(32, 16, dtype=torch.float64) * 7
    torch.save(own, tmp_path / "mine.pt")
    imported = import_centroids(tmp_path / "mine.pt", tmp_path)
    assert is_on_lattice(imported)
    assert imported.dtype == torch.float32
    assert torch.equal(load_centroids(tmp_path), imported)
    assert present_source(tmp_path) == "imported from mine.pt"


def test_a_file_put_there_by_hand_is_not_taken_for_learned(tmp_path: Path, centroids: torch.Tensor) -> None:
    assert present_source(tmp_path) is None
    torch.save(centroids, local(centroids_file(tmp_path)))
    with pytest.raises(NcaError, match=r"put there by hand: keep it with 'nca import centroids"):
        present_source(tmp_path)
    import_centroids(local(centroids_file(tmp_path)), tmp_path)
    assert present_source(tmp_path) == "imported from centroids.pt"


def test_importing_a_vocabulary_again_does_not_change_it(tmp_path: Path, centroids: torch.Tensor) -> None:
    save_centroids(centroids, tmp_path, "learned")
    assert torch.equal(import_centroids(local(centroids_file(tmp_path)), tmp_path), centroids)
