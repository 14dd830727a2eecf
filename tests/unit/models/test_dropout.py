import pytest
import torch

from hardneg.models.dropout import Dropout


@pytest.mark.parametrize("share", [0.0, 0.25, 0.1, 0.9])
def test_dropout_drops_its_share_at_random_and_keeps_the_mean(share):
    torch.manual_seed(3)
    dropout, ones = Dropout(share), torch.ones(333, 1021, requires_grad=True)
    dropped = dropout(ones)
    mask = dropped.detach() > 0
    assert mask.float().mean().item() == pytest.approx(1 - share, abs=0.004)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert mask.float().mean(0).std() == pytest.approx(
        (share * (1 - share) / 333) ** 0.5, rel=0.1, abs=1e-6
    )  # no pattern
    assert dropped[mask].unique().numel() == 1
    dropped.sum().backward()
    assert torch.equal(ones.grad, dropped.detach())
    assert not torch.equal(dropout(ones), dropped) or not share
    torch.manual_seed(3)
    assert torch.equal(dropout(ones), dropped)
    assert dropout.eval()(ones) is ones
