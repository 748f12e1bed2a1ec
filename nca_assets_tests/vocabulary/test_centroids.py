"""centroids.pt: readable by plain torch, checked before use, in fixed point."""

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.store import replace
from nca_assets.vocabulary.centroids import (
    digest,
    import_centroids,
    is_fixed_point,
    load_centroids,
    save_centroids,
    to_fixed_point,
)
from nca_assets.vocabulary.current import current_digest, current_source
from nca_assets_tests.conftest import local

with warnings.catch_warnings(action="ignore"):  # torch deprecates the one, and calls the other a prototype
    QUANTIZED = torch.quantize_per_tensor(torch.ones(32, 16), 0.1, 0, torch.qint8)
    NESTED = torch.nested.nested_tensor([torch.ones(16)] * 32)

UNFIT = {
    "wrong shape": torch.ones(16, 32),
    "NaN": torch.full((32, 16), float("nan")),
    "infinite": torch.full((32, 16), float("inf")),
    "row of zeros": torch.cat([torch.ones(31, 16), torch.zeros(1, 16)]),
    "integers": torch.ones(32, 16, dtype=torch.int64),
    "a dict": {"centroids": torch.ones(32, 16)},
    "complex": torch.ones(32, 16, dtype=torch.complex64),
    "float8": torch.ones(32, 16).to(torch.float8_e4m3fn),
    "quantized": QUANTIZED,
    "sparse": torch.ones(32, 16).to_sparse(),
    "without values": torch.ones(32, 16, device="meta"),
    "nested": NESTED,
    "too large": torch.full((32, 16), 1e308, dtype=torch.float64),
    "too small": torch.full((32, 16), 1e-320, dtype=torch.float64),
}
REASONS = {
    "wrong shape": r"holds torch.float32 \(16, 32\), not a floating-point tensor of shape \(32, 16\)",
    "NaN": "holds NaN or infinite values",
    "infinite": "holds NaN or infinite values",
    "row of zeros": "holds a row of zeros",
    "integers": "holds torch.int64",
    "a dict": "holds dict",
    "complex": r"holds torch.complex64 \(32, 16\), not a floating-point tensor",
    "float8": r"holds torch.float8_e4m3fn \(32, 16\), not a floating-point tensor",
    "quantized": r"holds torch.qint8 \(32, 16\), not a floating-point tensor",
    "sparse": r"holds torch.float32 \(32, 16\) \(torch.sparse_coo, device cpu\)",
    "without values": r"holds torch.float32 \(32, 16\) \(torch.strided, device meta\)",
    "nested": "holds a nested tensor",
    "too large": "holds values too large or too small to normalize: scale its rows to lengths near 1",
    "too small": "holds values too large or too small to normalize: scale its rows to lengths near 1",
}


def test_what_is_saved_reads_back_with_plain_torch(data: DataFolder, centroids: torch.Tensor) -> None:
    save_centroids(centroids, data, "learned")
    plain = torch.load(local(data.centroids_file), weights_only=True)
    assert plain.shape == (32, 16)
    assert plain.dtype == torch.float32
    assert torch.equal(plain, centroids)
    assert torch.equal(load_centroids(data), centroids)
    assert current_source(data) == "learned"


def test_the_digest_is_what_the_specification_says(centroids: torch.Tensor) -> None:
    units = np.rint(centroids.double().numpy() * 1024).astype("<i2")
    assert digest(centroids) == hashlib.sha256(units.tobytes()).hexdigest()


@given(seed=st.integers(0, 2**32), exponent=st.integers(-30, 30))
def test_any_centroids_become_fixed_point(seed: int, exponent: int) -> None:
    values = np.random.default_rng(seed).normal(size=(32, 16)) * 2.0**exponent
    rounded = to_fixed_point(torch.from_numpy(values))
    assert is_fixed_point(rounded)
    expected = values / np.sqrt((values**2).sum(axis=1, keepdims=True))
    assert np.abs(rounded.numpy() - expected).max() <= 0.5 / 1024 + 1e-12


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("unfit", UNFIT)
def test_unfit_centroids_are_refused_and_the_old_ones_stay(
    data: DataFolder, tmp_path: Path, centroids: torch.Tensor, unfit: str
) -> None:
    save_centroids(centroids, data, "learned")
    before = {name: (data / name).read_bytes() for name in ("centroids.pt", "centroids.json")}
    torch.save(UNFIT[unfit], tmp_path / "mine.pt")
    with pytest.raises(NcaError, match=rf"mine\.pt {REASONS[unfit]}") as caught:
        import_centroids(tmp_path / "mine.pt", data)
    assert "\n" not in str(caught.value)
    assert {name: (data / name).read_bytes() for name in before} == before


def test_a_parameter_or_a_slice_of_a_larger_tensor_is_imported_as_a_tensor_of_its_own(
    data: DataFolder, tmp_path: Path
) -> None:
    values = torch.rand(1000, 16)
    torch.save(torch.nn.Parameter(values)[:32], tmp_path / "slice.pt")
    torch.save(torch.nn.Parameter(values[:32].clone()), tmp_path / "parameter.pt")
    imported = import_centroids(tmp_path / "parameter.pt", data)
    assert type(imported) is torch.Tensor
    assert not imported.requires_grad
    assert torch.equal(import_centroids(tmp_path / "slice.pt", data), imported)
    import_centroids(local(data.centroids_file), data)
    assert local(data.centroids_file).stat().st_size < 8_000


class Killed(BaseException):
    """Stands for the end of the process, which runs no handler of ours."""


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_vocabulary_keeps_its_origin_when_the_process_dies_at_any_write_of_its_replacement(
    data: DataFolder, centroids: torch.Tensor, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    save_centroids(centroids, data, "learned")
    publish, done = replace.publish, []

    def dies(temporary: Path, path: Path) -> None:
        done.append(path)
        if len(done) == write:
            raise Killed
        publish(temporary, path)

    monkeypatch.setattr(replace, "publish", dies)
    with pytest.raises(Killed):
        save_centroids(centroids.flip(0), data, "imported from mine.pt")
    monkeypatch.undo()
    replaced = torch.equal(load_centroids(data), centroids.flip(0))
    assert replaced == (write == 3)
    assert current_source(data) == ("imported from mine.pt" if replaced else "learned")
    assert current_digest(data) == digest(load_centroids(data))
    save_centroids(centroids.flip(1), data, "imported from another.pt")
    assert current_source(data) == "imported from another.pt"
    assert set(json.loads((data / "centroids.json").read_text())) == {"source", "digest", "file", "seal"}


@pytest.mark.parametrize("content", [b"", b"not a torch file", b"PK\x03\x04 broken zip", b"\x80\x02]q\x00."])
def test_what_is_no_torch_file_is_refused(data: DataFolder, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.pt").write_bytes(content)
    with pytest.raises(NcaError, match=r"mine.pt (is not a file of torch.save|holds list)") as caught:
        import_centroids(tmp_path / "mine.pt", data)
    assert "\n" not in str(caught.value)


def test_a_missing_vocabulary_says_how_to_make_one(data: DataFolder) -> None:
    with pytest.raises(NcaError, match=r"centroids\.pt is missing: materialize the asset 'centroids'"):
        load_centroids(data)


def test_a_file_put_there_by_hand_must_be_imported(data: DataFolder) -> None:
    torch.save(torch.rand(32, 16), local(data.centroids_file))
    with pytest.raises(NcaError, match=r"not in fixed point .* run 'nca import centroids"):
        load_centroids(data)


def test_an_imported_vocabulary_is_normalized_and_remembered(data: DataFolder, tmp_path: Path) -> None:
    own = torch.rand(32, 16, dtype=torch.float64) * 7
    torch.save(own, tmp_path / "mine.pt")
    imported = import_centroids(tmp_path / "mine.pt", data)
    assert is_fixed_point(imported)
    assert imported.dtype == torch.float32
    assert torch.equal(load_centroids(data), imported)
    assert current_source(data) == "imported from mine.pt"


def test_a_file_put_there_by_hand_is_not_taken_for_learned(data: DataFolder, centroids: torch.Tensor) -> None:
    assert current_source(data) is None
    torch.save(centroids, local(data.centroids_file))
    with pytest.raises(NcaError, match=r"put there by hand: keep it with 'nca import centroids"):
        current_source(data)
    import_centroids(local(data.centroids_file), data)
    assert current_source(data) == "imported from centroids.pt"


def test_importing_a_vocabulary_again_does_not_change_it(data: DataFolder, centroids: torch.Tensor) -> None:
    save_centroids(centroids, data, "learned")
    assert torch.equal(import_centroids(local(data.centroids_file), data), centroids)
