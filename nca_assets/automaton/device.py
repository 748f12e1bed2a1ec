"""The choice of the devices to simulate on."""

from __future__ import annotations

import logging
import os
import platform
from importlib.util import find_spec

import torch

from nca_assets.errors import NcaError

log = logging.getLogger(__name__)


def choose_device(setting: str) -> str:
    """The device to use: with ``auto``, CUDA if there is a device and Triton, else the CPU, with a line in the log.

    Raises ``NcaError`` if a device requested by name is missing.
    """
    require_device(setting)
    if setting != "auto":
        return setting
    if missing := _missing(setting):
        log.info("simulating on the CPU: %s", missing)
    return "cpu" if missing else "cuda"


def require_device(setting: str) -> None:
    """Raise ``NcaError`` if ``setting`` names a device that is missing."""
    if setting not in ("auto", "cpu") and (missing := _missing(setting)):
        raise NcaError(f"NCA_DEVICE={setting}: {missing}. Use auto or cpu.")


def cuda_devices(setting: str) -> list[str]:
    """The CUDA devices that ``auto`` can use, as ``CUDA_VISIBLE_DEVICES`` names each; none for other settings."""
    if setting != "auto" or _missing(setting):
        return []
    numbers = [str(number) for number in range(torch.cuda.device_count())]
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[: len(numbers)] if named else numbers


def device_name(device: str) -> str:
    """A name for people: the GPU's, or ``cpu`` and the machine's architecture."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else f"cpu ({platform.machine()})"


def _missing(setting: str) -> str:
    """Why CUDA can't be used, in words; empty if it can."""
    number, count = int(setting.partition(":")[2] or 0), torch.cuda.device_count()
    if number >= count:
        return f"torch finds {count} CUDA devices"
    return "" if find_spec("triton") else "the package triton is not installed"
