import pandas as pd

from hardneg.experiments.run_description import RunCounts, RunDescription
from hardneg.export import model_card
from hardneg.export.description import Backbone, DetectorDescription
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


def test_names_of_other_people_are_text_in_the_model_card():
    hostile = "<img src=x onerror='x()'>|[a](javascript:x())\n# *frog*"
    model_input = {"windows": {"length_s": 3.0, "sample_rate": 16000}, "features": {"kind": "logmel"}}
    detector = DetectorDescription(model_input, (64, 90), hostile, hostile, 0.5, Backbone(None, hostile))
    counts = RunCounts(1, 2, 3, 4, 5, 6, "a", "b", 7, 8, "", "")
    run = RunDescription(
        {"negative_tier": hostile},
        model_input,
        {"model": "cnn", "hidden_units": 0},
        (64, 90),
        counts,
        {"hardneg": "1", "torch": hostile},
    )
    recordings = pd.DataFrame({"split": [hostile], "label": ["positive"], "file_path": ["a"], "group": ["g"]})
    card = model_card.render_card(detector, run, [], recordings)
    title = card.splitlines()[0]
    assert title.startswith(r"# \<img src=x") and r"\|\[a\](javascript:x())" in title and r"\# \*frog\*" in title
    assert not [line for line in card.splitlines() if line.startswith("# *") or "<img" in line.replace(r"\<img", "")]
