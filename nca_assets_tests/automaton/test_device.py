"""The device: taken where it is, replaced by the CPU with a line in the log, or missed by name."""

import logging

import pytest
import torch

from nca_assets.automaton import device
from nca_assets.automaton.device import choose_device, device_name
from nca_assets.errors import NcaError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "find_spec", lambda _: None)


def test_without_a_gpu_auto_is_the_cpu_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with caplog.at_level(logging.INFO):
        assert choose_device("auto") == "cpu"
    assert caplog.messages == ["simulating on the CPU: torch finds 0 CUDA devices"]


@pytest.mark.usefixtures("gpus")
def test_with_a_gpu_auto_is_cuda(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert choose_device("auto") == "cuda"
        assert choose_device("cuda:1") == "cuda:1"
        assert choose_device("cpu") == "cpu"
    assert caplog.messages == []


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize("setting", ["cuda:2", "cuda:9"])
def test_a_device_asked_for_by_name_and_missing_is_an_error(setting: str) -> None:
    with pytest.raises(NcaError, match=rf"NCA_DEVICE={setting}: torch finds 2 CUDA devices\. Use auto or cpu\."):
        choose_device(setting)


@pytest.mark.usefixtures("gpus")
def test_without_triton_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    without_triton(monkeypatch)
    with caplog.at_level(logging.INFO):
        assert choose_device("auto") == "cpu"
    assert caplog.messages == ["simulating on the CPU: the package triton is not installed"]
    with pytest.raises(NcaError, match="NCA_DEVICE=cuda: the package triton is not installed"):
        choose_device("cuda")


def test_the_cpu_has_a_name() -> None:
    assert device_name("cpu").startswith("cpu (")
