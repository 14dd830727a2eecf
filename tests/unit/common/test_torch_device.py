import torch

from hardneg.common import torch_device


def test_a_gpus_convolutions_are_not_rounded():
    torch.backends.cudnn.allow_tf32 = True
    torch_device.select_device("cpu", torch.get_num_threads())
    assert not torch.backends.cudnn.allow_tf32


def test_a_gpu_that_auto_does_not_use_is_named(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch_device.gpu_detection, "has_gpu", lambda: True)
    assert torch_device.select_device("auto", torch.get_num_threads()) == "cpu"
    assert "the NVIDIA device is not used" in caplog.text


def test_convolutions_are_rounded_in_the_steps_of_a_training_only():
    torch_device.select_device("cpu", torch.get_num_threads())
    with torch_device.round_convolutions():
        assert torch.backends.cudnn.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
