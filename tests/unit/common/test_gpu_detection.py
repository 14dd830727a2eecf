from importlib.metadata import PackageNotFoundError

import pytest

from hardneg.common import gpu_detection


@pytest.fixture
def with_torch(tmp_path, monkeypatch):
    """A machine with these device files and this torch."""

    def build(files, torch):
        def version(name):
            if torch is None:
                raise PackageNotFoundError(name)
            return torch

        for name in files:
            (tmp_path / name).touch()
        monkeypatch.setattr(gpu_detection, "DEVICES", tmp_path)
        monkeypatch.setattr(gpu_detection, "version", version)

    return build


@pytest.mark.parametrize(
    ("files", "torch", "asks"),
    [
        (["nvidia0"], "2.13.0", True),
        (["nvidia3", "nvidiactl"], "2.13.0+cu130", True),
        (["dxg"], "2.13.0", True),
        (["nvidia12"], None, True),
        (["nvidiactl", "nvidia-uvm", "nvidia-modeset"], "2.13.0", False),
        ([], "2.13.0", False),
        (["nvidia0"], "2.13.0+cpu", False),
        (["nvidia0"], "2.9.1+xpu", False),
    ],
)
def test_auto_asks_for_a_gpu_if_there_is_one_that_torch_can_use(with_torch, files, torch, asks):
    with_torch(files, torch)
    assert gpu_detection.should_request_gpu("auto") == asks


def test_cuda_always_asks_for_a_gpu_and_cpu_never_does(with_torch):
    with_torch([], "2.13.0+cpu")
    assert gpu_detection.should_request_gpu("cuda")
    with_torch(["nvidia0"], "2.13.0")
    assert not gpu_detection.should_request_gpu("cpu")


def test_a_driver_that_cannot_be_loaded_is_none(monkeypatch):
    monkeypatch.setattr(gpu_detection, "DRIVER", "libnone.so.1")
    assert not gpu_detection.has_driver()
