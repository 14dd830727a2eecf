import pandas as pd

from hardneg.export import model_card
from hardneg.models.metrics import METRICS


def test_the_model_card_shows_a_dash_for_the_interval_of_one_night():
    files = {"label": [1, 0, 1, 0], "confidence": [0.9, 0.2, 0.8, 0.4], "group": "g", "duration_s": 60.0}
    measured = pd.DataFrame({"split": ["test_iid", "test_ood"], "threshold": 0.5, **dict.fromkeys(METRICS, 1.0)})
    scores = pd.DataFrame(files | {"split": "test_iid"})
    nights = scores.assign(split="test_ood", group=["a", "b", "c", "c"])
    rows = model_card.measure_with_intervals(measured, pd.concat([scores, nights]), resamples=20)
    assert [(row.value, row.interval) for row in rows if row.metric == "F1"] == [
        ("1.000", "\N{EN DASH}"), ("1.000", "1.000 to 1.000")
    ]  # fmt: skip


def test_the_intervals_of_the_model_card_resample_the_chosen_cluster():
    files = {"label": [1, 0] * 4, "confidence": [0.9, 0.2] * 4, "duration_s": 60.0, "split": "test_ood", "site": "pond"}
    recorders = list("aabbccdd")
    scores = pd.DataFrame(files).assign(group=recorders, recorder_id=recorders, night="2025-02-01")
    measured = pd.DataFrame({"split": ["test_ood"], "threshold": 0.5, **dict.fromkeys(METRICS, 1.0)})
    for cluster, interval in (("night", "1.000 to 1.000"), ("date", "\N{EN DASH}"), ("site", "\N{EN DASH}")):
        rows = model_card.measure_with_intervals(measured, scores, 20, cluster)
        assert [row.interval for row in rows if row.metric == "F1"] == [interval], cluster
