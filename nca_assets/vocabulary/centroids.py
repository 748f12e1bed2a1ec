"""``centroids.pt``: checking, rounding to fixed point, digest, reading and writing."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TypeGuard

import torch
from torch import Tensor

from nca_assets.automaton.fixed_point import CHANNELS, STATE_ONE, TOKENS
from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError, TransientError
from nca_assets.store.location import Stored
from nca_assets.store.store import whole_file
from nca_assets.vocabulary.origin import Origin, file_digest, read_origin, write_origin

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Types accepted in a vocabulary."""


def to_fixed_point(centroids: Tensor) -> Tensor:
    """Normalize each row in float64 and round it to multiples of 1/1024: float32 (32, 16)."""
    rows = centroids.double()
    return ((rows / rows.norm(dim=1, keepdim=True) * STATE_ONE).round() / STATE_ONE).float()


def is_fixed_point(centroids: Tensor) -> bool:
    """Whether every value is a multiple of 1/1024 and every row is a unit vector, to within that rounding."""
    scaled = centroids.double() * STATE_ONE
    lengths = centroids.double().norm(dim=1)
    return bool((scaled == scaled.round()).all() and ((lengths - 1).abs() < CHANNELS / STATE_ONE).all())


def digest(centroids: Tensor) -> str:
    """SHA-256 of the centroids in units of 1/1024, as little-endian int16 in row order."""
    units = (centroids * STATE_ONE).round().numpy().astype("<i2")
    return hashlib.sha256(units.tobytes()).hexdigest()


def read_centroids(file: Stored) -> Tensor:
    """The centroids in ``file``, checked: float (32, 16), finite, no row of zeros.

    A parameter or a view of a larger tensor is copied to a plain tensor. Raises ``NcaError`` naming the file and its
    fault.
    """
    try:
        found = torch.load(io.BytesIO(file.read_bytes()), map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise NcaError(f"{file} is missing: materialize the asset 'centroids' (make demo does) first") from None
    except TransientError:
        raise
    except Exception as error:  # torch's unpickler raises errors of many types for foreign files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NcaError(f"{file} is not a file of torch.save with a plain tensor ({reason[:80]}): {_REMEDY}") from error
    if not _is_plain(found) or found.shape != (TOKENS, CHANNELS) or found.dtype not in FLOATS:
        raise NcaError(f"{file} holds {_described(found)}, not a floating-point tensor of shape (32, 16): {_REMEDY}")
    centroids = found.detach().clone(memory_format=torch.contiguous_format)
    if not centroids.isfinite().all():
        raise NcaError(f"{file} holds NaN or infinite values: {_REMEDY}")
    if not centroids.any(dim=1).all():
        raise NcaError(f"{file} holds a row of zeros, which has no direction: {_REMEDY}")
    return centroids


def _is_plain(found: object) -> TypeGuard[Tensor]:
    """Whether ``found`` is a dense tensor on the CPU."""
    return (
        isinstance(found, Tensor)
        and not found.is_nested
        and found.layout == torch.strided
        and found.device.type == "cpu"
    )


def _described(found: object) -> str:
    if not isinstance(found, Tensor):
        return type(found).__name__
    if found.is_nested:
        return "a nested tensor"
    kind = "" if _is_plain(found) else f" ({found.layout}, device {found.device})"
    return f"{found.dtype} {tuple(found.shape)}{kind}"


_REMEDY = "give a (32, 16) float tensor to 'nca import centroids FILE', or delete it and materialize 'centroids' again"


def load_centroids(data: DataFolder) -> Tensor:
    """The data folder's vocabulary: float32 (32, 16) in fixed point.

    Raises ``NcaError`` if it is missing or invalid, or not the one whose origin is beside it.
    """
    file = data.centroids_file
    centroids = read_centroids(file)
    if not is_fixed_point(centroids):
        raise NcaError(
            f"{file} is not in fixed point (unit vectors in steps of 1/1024): run 'nca import centroids {file}'"
        )
    centroids, origin = centroids.float(), read_origin(data)
    if origin and origin.digest != digest(centroids):
        raise NcaError(
            f"{file} is damaged, or was put there by hand: restore digest {origin.digest[:12]}…, or keep this one "
            f"with 'nca import centroids {file}'"
        )
    return centroids


def save_centroids(centroids: Tensor, data: DataFolder, source: str) -> None:
    """Write the vocabulary and, beside it, its origin: ``learned``, or the name of an imported file.

    Whenever the process dies, the vocabulary on disk has its origin beside it: until ``centroids.pt`` is replaced, its
    old origin is kept along with the new one.
    """
    buffer = io.BytesIO()
    torch.save(centroids, buffer)
    origin, before = Origin(source, digest(centroids), file_digest(buffer.getvalue())), read_origin(data)
    write_origin(origin, data, before)
    with whole_file(data.centroids_file) as file:
        file.write(buffer.getvalue())
    if before:
        write_origin(origin, data)


def import_centroids(file: Path, data: DataFolder) -> Tensor:
    """Make a user's own centroids the data folder's vocabulary; returns them in fixed point.

    Raises ``NcaError`` if ``file`` is invalid, before or after normalizing; the old vocabulary then stays.
    """
    centroids = read_centroids(file)
    centroids = centroids.float() if is_fixed_point(centroids) else to_fixed_point(centroids)
    if not is_fixed_point(centroids):
        raise NcaError(f"{file} holds values too large or too small to normalize: scale its rows to lengths near 1")
    save_centroids(centroids, data, source=f"imported from {file.name}")
    return centroids
