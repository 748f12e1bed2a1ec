"""``centroids.pt``: checking, putting on the lattice, digest, reading and writing."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import torch
from torch import Tensor

from nca_assets.automaton.lattice import CHANNELS, STATE_ONE, TOKENS
from nca_assets.errors import NcaError
from nca_assets.files import whole_file
from nca_assets.naming import centroids_file
from nca_assets.storage import Stored
from nca_assets.vocabulary.origin import Origin, file_digest, write_origin


def to_lattice(centroids: Tensor) -> Tensor:
    """Normalize each row in float64 and round it to multiples of 1/1024: float32 (32, 16)."""
    rows = centroids.double()
    return ((rows / rows.norm(dim=1, keepdim=True) * STATE_ONE).round() / STATE_ONE).float()


def is_on_lattice(centroids: Tensor) -> bool:
    """Whether every value is a multiple of 1/1024 and every row is a unit vector, to within that rounding."""
    scaled = centroids.double() * STATE_ONE
    lengths = centroids.double().norm(dim=1)
    return bool((scaled == scaled.round()).all() and ((lengths - 1).abs() < CHANNELS / STATE_ONE).all())


def digest(centroids: Tensor) -> str:
    """SHA-256 of the centroids in units of 1/1024, as little-endian int16 in row order."""
    lattice = (centroids * STATE_ONE).round().numpy().astype("<i2")
    return hashlib.sha256(lattice.tobytes()).hexdigest()


def read_centroids(file: Stored) -> Tensor:
    """The centroids in ``file``, checked: float (32, 16), finite, no row of zeros.

    Raises ``NcaError`` that names the file and what is wrong with it.
    """
    try:
        centroids = torch.load(io.BytesIO(file.read_bytes()), map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise NcaError(f"{file} is missing: materialize the asset 'centroids' (make demo does) first") from None
    except Exception as error:  # torch's unpickler raises whatever a foreign file leads it to
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NcaError(f"{file} is not a file of torch.save with a plain tensor ({reason[:80]}): {_REMEDY}") from error
    if not isinstance(centroids, Tensor) or centroids.shape != (TOKENS, CHANNELS) or not centroids.is_floating_point():
        found = (
            f"{centroids.dtype} {tuple(centroids.shape)}" if isinstance(centroids, Tensor) else type(centroids).__name__
        )
        raise NcaError(f"{file} holds {found}, not a floating-point tensor of shape (32, 16): {_REMEDY}")
    if not centroids.isfinite().all():
        raise NcaError(f"{file} holds NaN or infinite values: {_REMEDY}")
    if not centroids.any(dim=1).all():
        raise NcaError(f"{file} holds a row of zeros, which has no direction: {_REMEDY}")
    return centroids


_REMEDY = "give a (32, 16) float tensor to 'nca import centroids FILE', or delete it and materialize 'centroids' again"


def load_centroids(data: Stored) -> Tensor:
    """The data folder's vocabulary: float32 (32, 16) on the lattice. Raises ``NcaError`` if it is missing or unfit."""
    file = centroids_file(data)
    centroids = read_centroids(file)
    if not is_on_lattice(centroids):
        raise NcaError(f"{file} is not on the lattice of 1/1024: run 'nca import centroids {file}'")
    return centroids.float()


def save_centroids(centroids: Tensor, data: Stored, source: str) -> None:
    """Write the vocabulary, and beside it where it comes from: ``learned``, or the name of an imported file."""
    buffer = io.BytesIO()
    torch.save(centroids, buffer)
    write_origin(Origin(source, digest(centroids), file_digest(buffer.getvalue())), data)
    with whole_file(centroids_file(data)) as file:
        file.write(buffer.getvalue())


def import_centroids(file: Path, data: Stored) -> Tensor:
    """Make a user's own centroids the data folder's vocabulary; returns them as they are on the lattice.

    Raises ``NcaError`` if ``file`` is unfit; the old vocabulary then stays.
    """
    centroids = read_centroids(file)
    centroids = centroids.float() if is_on_lattice(centroids) else to_lattice(centroids)
    save_centroids(centroids, data, source=f"imported from {file.name}")
    return centroids
