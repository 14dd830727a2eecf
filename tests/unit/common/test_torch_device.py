import torch

from hardneg.common import torch_device


def test_a_gpus_convolutions_are_not_rounded():
    torch.backends.cudnn.allow_tf32 = True
    torch_device.select_device("cpu", torch.get_num_threads())
    assert not torch.backends.cudnn.allow_tf32
