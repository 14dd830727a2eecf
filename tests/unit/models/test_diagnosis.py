import pandas as pd
import pytest

from hardneg.models.diagnosis import diagnose


def scores(*confidences):
    """Scores of files, of which the first half is positive."""
    labels = [1] * (len(confidences) // 2) + [0] * (len(confidences) - len(confidences) // 2)
    return pd.DataFrame({"confidence": confidences, "label": labels})


@pytest.mark.parametrize(
    ("validation_scores", "kept_steps", "words"),
    [
        (scores(0.9, 0.8, 0.2, 0.1), 100, ""),
        (scores(0.51, 0.5, 0.49, 0.48), 100, "is nearly constant: confidences of the validation files span 0.48 to 0.51"),
        (scores(0.9, 0.8, 0.2, 0.1), 10, "is hardly trained: its weights are those of step 10"),
        (scores(0.2, 0.3, 0.6, 0.5), 100, "ranks validation files no better than chance: its AUROC is 0.00"),
    ],
)  # fmt: skip
def test_a_failed_training_is_described_and_a_good_one_is_not(validation_scores, kept_steps, words):
    assert diagnose(validation_scores, kept_steps, warm_up_steps=10).startswith(words)
    assert bool(diagnose(validation_scores, kept_steps, warm_up_steps=10)) == bool(words)
