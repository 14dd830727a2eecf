import torch
from torch import nn

from hardneg.models.weight_average import WeightAverage, compute_shares


def network(weight):
    layer = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    nn.init.constant_(layer[0].weight, weight)
    return layer


def averaged_after(decay, weights, as_share=float):
    current = network(weights[0])
    average = WeightAverage(current)
    for weight, share in zip(weights, compute_shares(decay, len(weights)), strict=True):
        nn.init.constant_(current[0].weight, weight)
        nn.init.constant_(current[1].running_mean, 10 * weight)
        current[1].num_batches_tracked += 1
        average.update(as_share(share))
    return average.module


def test_weights_and_running_statistics_are_averaged_and_counts_are_copied():
    average = averaged_after(0.1, [0.0, 1.0])  # after the first step, at most (1 + 1) / (10 + 1) is kept
    torch.testing.assert_close(average[0].weight.item(), 0.9)
    torch.testing.assert_close(average[1].running_mean.item(), 9.0)
    assert average[1].num_batches_tracked == 2


def test_a_short_training_is_not_averaged_with_its_start():
    average = averaged_after(0.999, [0.0] + [1.0] * 20)
    assert average[0].weight.item() > 0.95


def test_a_long_training_is_averaged_over_its_last_steps():
    average = averaged_after(0.9, [0.0] * 200 + [1.0] * 10)
    torch.testing.assert_close(average[0].weight.item(), 1 - 0.9**10, rtol=1e-4, atol=0)


def test_without_decay_the_average_is_the_network():
    assert averaged_after(0, [0.3, 0.7])[0].weight.item() == torch.tensor(0.7)


def test_a_share_that_is_a_tensor_gives_the_same_average():
    weights = [0.3, 0.7, -1.0, 2.0]
    by_number, by_tensor = averaged_after(0.5, weights), averaged_after(0.5, weights, torch.tensor)
    torch.testing.assert_close(by_tensor.state_dict(), by_number.state_dict())
