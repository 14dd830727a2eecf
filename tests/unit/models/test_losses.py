import pytest
import torch

from hardneg.models.losses import focal_loss


def test_the_focal_loss_without_gamma_is_cross_entropy_and_with_it_forgives_the_easy():
    logits, targets = torch.tensor([4.0, -4.0, 0.5]), torch.tensor([1.0, 0.0, 0.0])
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    assert focal_loss(logits, targets).item() == pytest.approx(plain.item())
    probability = torch.sigmoid(logits)
    missed = torch.where(targets == 1, 1 - probability, probability)
    lin = (missed**2 * -torch.log(1 - missed)).mean()
    assert focal_loss(logits, targets, gamma=2.0).item() == pytest.approx(lin.item(), rel=1e-5)


def test_label_smoothing_moves_the_best_logit_off_infinity():
    sure, modest = (focal_loss(torch.tensor([logit]), torch.tensor([1.0]), smoothing=0.1) for logit in (12.0, 2.944))
    assert modest < sure


def test_a_window_of_weight_one_half_contributes_half_of_its_loss():
    logits, targets = torch.tensor([2.0, -1.0]), torch.tensor([0.0, 1.0])
    terms = [focal_loss(logits[row : row + 1], targets[row : row + 1]).item() for row in (0, 1)]
    weighted = focal_loss(logits, targets, weights=torch.tensor([1.0, 0.5]))
    assert weighted.item() == pytest.approx((terms[0] + 0.5 * terms[1]) / 2)
