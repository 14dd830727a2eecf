import pytest
import torch

from hardneg.features import fused_convolution
from hardneg.features.fused_convolution import FusedConvolution, can_fuse

LAYERS = {
    "1x1": {"kernel_size": 1},
    "depthwise, stride 2": {"kernel_size": 3, "groups": 6, "stride": 2, "padding": 1},
    "oblong, no bias": {"kernel_size": (2, 3), "bias": False},
}

pytestmark = pytest.mark.skipif(not fused_convolution.HAS_OPERATORS, reason="needs torch with oneDNN on x86")


def random_maps(count, channels=6, seed=0):
    maps = torch.randn(count, channels, 9, 12, generator=torch.Generator().manual_seed(seed))
    return maps.contiguous(memory_format=torch.channels_last)


def compute_with_public_functions(layer, *inputs):
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused_convolution, "HAS_OPERATORS", False)
        assert not can_fuse(inputs[0])
        return layer(*inputs)


@pytest.mark.parametrize("activation", ["none", "relu", "swish"])
@pytest.mark.parametrize("options", LAYERS.values(), ids=LAYERS.keys())
def test_the_fused_operator_gives_the_result_of_the_public_functions(options, activation):
    torch.manual_seed(0)
    layer = FusedConvolution(6, 12, activation=activation, **options)
    for count in (1, 3):  # the weights' layout was chosen for another number
        maps = random_maps(count, seed=count)
        with torch.inference_mode():
            assert can_fuse(maps)
            fused = layer(maps)
        torch.testing.assert_close(fused, compute_with_public_functions(layer, maps))


def test_the_activations_are_those_of_their_names():
    maps = random_maps(1)
    for activation, function in (("none", lambda x: x), ("relu", torch.relu), ("swish", torch.nn.functional.silu)):
        layer = FusedConvolution(6, 6, 1, activation)
        with torch.inference_mode():
            expected = function(torch.nn.functional.conv2d(maps, layer.weight, layer.bias))
            torch.testing.assert_close(layer(maps), expected)


def test_the_result_is_added_in_place():
    layer = FusedConvolution(6, 4, 1, bias=False)
    maps, other = random_maps(2), random_maps(2, channels=4, seed=1)
    expected = other + torch.nn.functional.conv2d(maps, layer.weight).detach()
    for compute in (compute_with_public_functions, torch.inference_mode()(lambda layer, *inputs: layer(*inputs))):
        target = other.clone(memory_format=torch.preserve_format)
        result = compute(layer, maps, target)
        torch.testing.assert_close(result, expected)
        torch.testing.assert_close(target, expected)


def test_training_and_other_precisions_use_the_public_functions():
    maps = random_maps(1)
    assert not can_fuse(maps)
    layer = FusedConvolution(6, 6, 1, "swish")
    layer(maps).sum().backward()
    assert layer.weight.grad is not None
    with torch.inference_mode():
        assert can_fuse(maps)
        assert not can_fuse(maps.double())
        with torch.autocast("cpu", torch.bfloat16):
            assert not can_fuse(maps)
            assert layer(maps).dtype == torch.bfloat16
