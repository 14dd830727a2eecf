import pandas as pd

from hardneg.export import model_card
from hardneg.models.metrics import METRICS


def test_the_model_card_shows_a_dash_for_the_interval_of_one_night():
    files = {"label": [1, 0, 1, 0], "confidence": [0.9, 0.2, 0.8, 0.4], "group": "g", "duration_s": 60.0}
    measured = pd.DataFrame({"split": ["test_iid", "test_ood"], "threshold": 0.5, **dict.fromkeys(METRICS, 1.0)})
    scores = pd.DataFrame(files | {"split": "test_iid"})
    nights = scores.assign(split="test_ood", group=["a", "a", "b", "b"])
    rows = model_card.measure_with_intervals(measured, pd.concat([scores, nights]), resamples=20)
    assert [(row.value, row.interval) for row in rows if row.metric == "F1"] == [
        ("1.000", "\N{EN DASH}"), ("1.000", "1.000 to 1.000")
    ]  # fmt: skip
