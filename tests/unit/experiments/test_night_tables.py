import pandas as pd
import pytest

from hardneg.experiments import night_tables


def test_rates_become_nights_by_the_stated_arithmetic():
    runs = pd.DataFrame(
        {
            "negative_tier": "none",
            "split": ["test_ood", "test_ood", "val"],
            "recall": [0.5, 0.7, 0.1],
            "fp": [10, 20, 99],
            "tn": [90, 80, 1],
        }
    )
    table = night_tables.tabulate_nights(
        runs, ["negative_tier"], files_per_night=100, calling_files=[2], review_s=30
    ).set_index("calling_files")
    assert len(table) == 2
    assert table.miss_probability[2] == pytest.approx((0.5**2 + 0.3**2) / 2)
    assert table.flagged_files[0] == pytest.approx(15) and table.review_minutes[0] == pytest.approx(7.5)
    assert table.flagged_files[2] == pytest.approx((1 + 9.8 + 1.4 + 19.6) / 2)


def test_flagged_files_of_a_night_without_calls_do_not_need_a_recall():
    runs = pd.DataFrame({"negative_tier": ["none"], "split": "test_ood", "recall": float("nan"), "fp": 10, "tn": 90})
    nights = night_tables.tabulate_nights(runs, ["negative_tier"], 100, [1], review_s=60).set_index("calling_files")
    assert nights.flagged_files[0] == nights.review_minutes[0] == pytest.approx(10)
    assert pd.isna(nights.miss_probability[1]) and pd.isna(nights.flagged_files[1])
