"""Find out whether a training failed, and describe why in words."""

import pandas as pd

from hardneg.common.errors import InputError
from hardneg.models.ranking_curves import auroc

# Confidences of validation files that span less than this do not separate anything.
LEAST_SPAN = 0.05


class DivergedTrainingError(InputError):
    """A training whose loss or confidences are no longer numbers."""

    def __init__(self, name: str, epoch: int, learning_rate: float):
        super().__init__(
            f"the training of {name} diverged: in epoch {epoch}, at a learning rate of {learning_rate:.2g}, its loss "
            "or its confidences are not finite numbers. Lower training.learning_rate, or raise "
            "training.warmup_fraction."
        )


def diagnose(validation_scores: pd.DataFrame, kept_steps: int, warm_up_steps: int) -> str:
    """Describe in words why a finished training did not give a usable detector; empty if nothing is wrong.

    Parameters
    ----------
    validation_scores : one row per file, at the kept epoch: ``confidence, label`` (1 or 0).
    kept_steps : optimization steps up to the kept epoch.
    warm_up_steps : steps in which the learning rate rises.

    Examples
    --------
    >>> scores = pd.DataFrame({"confidence": [0.51, 0.5, 0.52], "label": [1, 0, 1]})
    >>> diagnose(scores, 400, 40)
    'is nearly constant: confidences of the validation files span 0.50 to 0.52'
    """
    confidences, labels = validation_scores.confidence.to_numpy(), validation_scores.label.to_numpy()
    low, high = confidences.min(), confidences.max()
    if high - low < LEAST_SPAN:
        return f"is nearly constant: confidences of the validation files span {low:.2f} to {high:.2f}"
    if kept_steps <= warm_up_steps:
        return (
            f"is hardly trained: its weights are those of step {kept_steps}, and the learning rate rises until step "
            f"{warm_up_steps}"
        )
    if (area := auroc(labels, confidences)) <= 0.5:
        return f"ranks validation files no better than chance: its AUROC is {area:.2f}"
    return ""
