"""Which device simulates."""

from __future__ import annotations

import platform

import torch

from nca_assets.errors import NcaError


def choose_device(setting: str) -> str:
    """``auto`` takes CUDA where there is one, else the CPU. Raises ``NcaError`` if a device asked for is missing."""
    if setting == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if setting.startswith("cuda"):
        number = int(setting.partition(":")[2] or 0)
        if number >= torch.cuda.device_count():
            raise NcaError(
                f"NCA_DEVICE={setting}: torch finds {torch.cuda.device_count()} CUDA devices. Use auto or cpu."
            )
    return setting


def device_name(device: str) -> str:
    """A name for people: the GPU's, or ``cpu`` and the machine's architecture."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else f"cpu ({platform.machine()})"
