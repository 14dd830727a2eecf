import numpy as np
import pytest
from training_defaults import TRAINING

from hardneg.models.epoch_choice import EpochChoice, balanced_log_loss
from hardneg.models.training_settings import TrainingSettings


def follow(precisions, losses=None, **changes):
    """Judge epochs until the choice stops: the last epoch that was kept, and the number of epochs."""
    choice = EpochChoice(TrainingSettings.from_config(TRAINING | changes))
    kept = 0
    for epoch, precision in enumerate(precisions, start=1):
        if choice.judge(precision, losses[epoch - 1] if losses else 1.0):
            kept = epoch
        if choice.should_stop:
            break
    return kept, epoch


def test_the_last_epoch_is_kept_by_default_and_nothing_stops_a_training():
    assert follow([0.9, 0.1, 0.1, 0.1, 0.1]) == (5, 5)


def test_a_single_lucky_epoch_is_not_the_best():
    assert follow([0.5, 0.9, 0.5, 0.6, 0.7, 0.8, 0.8], keep_epoch="best")[0] == 7
    assert follow([0.8, 0.8, 0.8, 0.5, 0.5], keep_epoch="best")[0] == 3


def test_of_equal_epochs_the_last_is_kept():
    assert follow([0.7] * 6, keep_epoch="best") == (6, 6)


def test_the_best_epoch_by_loss_is_the_one_with_the_lowest():
    assert follow([0.1, 0.2, 0.9], [0.6, 0.4, 0.5], keep_epoch="best", epoch_measure="loss")[0] == 2


@pytest.mark.parametrize(("min_epochs", "epochs"), [(1, 3), (5, 5)])
def test_a_training_stops_after_its_patience_but_not_before_the_fewest_epochs(min_epochs, epochs):
    falling = [0.9, 0.5, 0.4, 0.3, 0.2, 0.1]
    assert follow(falling, patience=2, min_epochs=min_epochs) == (epochs, epochs)
    assert follow(falling, patience=2, min_epochs=min_epochs, keep_epoch="best") == (1, epochs)


def test_the_loss_gives_both_classes_the_same_weight_and_stays_finite():
    labels, confidences = np.array([1, 0, 0, 0]), np.array([0.5, 0.25, 0.25, 0.25], np.float32)
    assert balanced_log_loss(labels, confidences) == pytest.approx(-(np.log(0.5) + np.log(0.75)) / 2)
    assert balanced_log_loss(labels, np.array([0.0, 1.0, 0.0, 0.0], np.float32)) < 20
